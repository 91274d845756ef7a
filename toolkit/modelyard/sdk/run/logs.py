"""Where the logs of a submitted run are written, and how they come to the server where the workspace is served."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Self

from modelyard.errors import ModelyardError
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.logs import MAX_CHUNK, LogChunk

STANDARD = "logs/std_log.txt"
"""The log that a script's standard output and standard error go to."""
ENVIRONMENT = "logs/environment.txt"
"""The log of making a script's environment."""

PATIENCE = 600.0
"""Seconds for which a server may be away when the end of a run is to be written."""

_LOOK = 0.3
"""Seconds between two looks at logs that grow."""


def log_folder(workspace: Workspace, run: str, otherwise: Path) -> Path:
    """Say where the logs of a run are written: in an embedded workspace where they stay, else below `otherwise`."""
    return otherwise if is_served(workspace) else Path(workspace.location).absolute() / "logs" / run


def is_served(workspace: Workspace) -> bool:
    """Say whether a workspace is behind a server."""
    return workspace.location.startswith(("http://", "https://"))


class Shipping:
    """A thread that sends the logs in `folder` to the server as they grow; nothing to do in an embedded workspace.

    At the end of the ``with`` block, everything that has been written is there.
    """

    def __init__(self, workspace: Workspace, run: str, folder: Path) -> None:
        self._workspace = workspace
        self._run = run
        self._folder = folder
        self._sent: dict[str, int] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if is_served(self._workspace):
            self._thread = threading.Thread(target=self._ship, name="logs", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _ship(self) -> None:
        while not self._stopped.wait(_LOOK):
            self._send_all()
        deadline = time.monotonic() + PATIENCE
        while not self._send_all() and time.monotonic() < deadline:
            time.sleep(_LOOK)

    def _send_all(self) -> bool:
        """Send what has been added, and say whether all of it has arrived."""
        whole = True
        for file in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            try:
                self._send(file, file.relative_to(self._folder).as_posix())
            except (ModelyardError, OSError):
                whole = False  # the server may be back the next time; in the end the log is a file of the run
        return whole

    def _send(self, file: Path, path: str) -> None:
        with file.open("rb") as opened:
            opened.seek(self._sent.get(path, 0))
            while data := opened.read(MAX_CHUNK):
                chunk = LogChunk(path=path, offset=opened.tell() - len(data), data=data)
                self._workspace.backend.logs.append(self._run, chunk)
                self._sent[path] = opened.tell()
