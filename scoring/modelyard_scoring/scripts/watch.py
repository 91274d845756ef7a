"""Whether the files of a folder have changed, found by looking at them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_Look = frozenset[tuple[str, int, int]]


class Watch:
    """Remembers how a folder looked; files in folders such as ``__pycache__`` and hidden ones do not count."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = self._look()
        self._last = self._known

    def changed(self) -> bool:
        """Tell whether files are otherwise than when last told so, and have stayed as they are since the last call."""
        now = self._look()
        settled = now == self._last
        self._last = now
        if now == self._known or not settled:
            return False
        self._known = now
        return True

    def wait(self, pause: float) -> None:
        """Wait for the next change, looking every `pause` seconds."""
        while not self.changed():
            time.sleep(pause)

    def _look(self) -> _Look:
        return frozenset(self._files(str(self._folder)))

    def _files(self, folder: str) -> Iterator[tuple[str, int, int]]:
        for entry in _entries(folder):
            if entry.name.startswith((".", "__pycache__")):
                continue
            try:
                if entry.is_dir():
                    yield from self._files(entry.path)
                else:
                    stat = entry.stat()
                    yield entry.path, stat.st_mtime_ns, stat.st_size
            except OSError:  # it went while we looked
                continue


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
