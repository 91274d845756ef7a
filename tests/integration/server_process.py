"""A server of a workspace in a process of its own, as ``modelyard server start`` makes it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import psutil

_KEPT = ("MODELYARD_HOME", "MODELYARD_CACHE")
"""Where the runner of a server has its router, and environments."""


class ServerProcess:
    """Serves the workspace in `root`; made anew, another process serves it at the same port."""

    def __init__(self, root: Path, *options: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "modelyard", "server", "start", "--json", "--workspace", str(root)]
        command = [sys.executable, "-c", "from modelyard.cli.main import main; main()", *command[3:]]
        self.process = subprocess.Popen(
            [*command, "--port", str(port), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={
                name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_") or name in _KEPT
            },
        )
        said = self._said()
        self.url: str = said["url"]
        self.token: str | None = said["token"]
        self.port = int(self.url.rpartition(":")[2])

    def _said(self) -> dict[str, str]:
        text = ""
        assert self.process.stdout is not None
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            assert line, f"the server ended: {self.process.communicate()[1]}"
            text += line
        return json.loads(text)

    def peak(self) -> int:
        """Give the most memory that its processes, each, have ever held resident, in bytes, summed."""
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children()]
        return sum(peak(one.pid) for one in processes)

    def stop(self) -> tuple[int, str]:
        """End it as an operator does; give its status and what it said on stderr."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=90)
        return self.process.returncode, said

    def kill(self) -> None:
        """End it as a loss of power does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.stop()


def peak(pid: int | str = "self") -> int:
    """Give the most memory that a process has ever held resident, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) << 10
