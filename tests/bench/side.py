"""One side of a comparison: an interpreter with its environment, and the programs that run in it."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from tests.bench.machine import descendants, pinned

HERE = Path(__file__).parent
_LIMIT = 300
"""Seconds that a program may take."""
_MINE = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


class ProgramError(Exception):
    """A program of the benchmark failed."""

    def __init__(self, program: str, status: int | None, output: str) -> None:
        super().__init__(f"{program} ended with status {status}:\n{output[-4000:]}")


class Side(Struct, frozen=True, kw_only=True):
    """An interpreter with its environment, and the folder of the programs that run in it.

    Parameters
    ----------
    name
        Whose figures they are.
    folder
        Where its programs run, and leave what they leave.
    settings
        Environment variables; of this process's own it gets only what any program needs.
    """

    name: str
    python: Path
    programs: str
    folder: Path
    settings: dict[str, str] = {}

    def environment(self) -> dict[str, str]:
        """Say which environment variables its programs see."""
        kept = {name: os.environ[name] for name in _MINE if name in os.environ}
        kept["PATH"] = f"{self.python.parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        return kept | {"PYTHONPATH": str(HERE / "timing")} | self.settings

    def run(self, program: str, given: Mapping[str, Any], cores: frozenset[int]) -> dict[str, float]:
        """Run a program to its end, and return the figures that it tells."""
        with pinned(cores):
            done = subprocess.run(
                self._command(program, given),
                env=self.environment(),
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=_LIMIT,
                check=False,
            )
        if done.returncode != 0:
            raise ProgramError(f"{self.programs}/{program}", done.returncode, done.stdout + done.stderr)
        return dict(json.loads(next(line for line in done.stdout.splitlines() if _told(line))))

    def seconds_until_told(self, program: str, given: Mapping[str, Any], cores: frozenset[int]) -> float:
        """Start a program, and return the seconds until it tells something; then let it end."""
        start = time.perf_counter()
        with pinned(cores), self._started(self._command(program, given)) as process:
            told = next(filter(_told, process.stdout or ()), "")
            took = time.perf_counter() - start
        if not told or process.returncode != 0:
            raise ProgramError(f"{self.programs}/{program}", process.returncode, told)
        return took

    def seconds_of(self, statement: str, cores: frozenset[int]) -> float:
        """Run a statement in a new process, and return what that took."""
        command = [str(self.python), "-c", statement]
        with pinned(cores):
            start = time.perf_counter()
            subprocess.run(command, env=self.environment(), check=True, timeout=_LIMIT, stdout=subprocess.DEVNULL)
            return time.perf_counter() - start

    def version(self, package: str) -> str:
        """Ask for the version of a package that is installed there."""
        script = f"from importlib.metadata import version; print(version({package!r}))"
        done = subprocess.run(
            [str(self.python), "-c", script], capture_output=True, text=True, check=True, timeout=_LIMIT, cwd="/"
        )
        return done.stdout.strip()

    def _command(self, program: str, given: Mapping[str, Any]) -> list[str]:
        path = HERE / self.programs / f"{program}.py"
        return [str(self.python), "-P", str(path), json.dumps(given, default=str)]

    @contextmanager
    def _started(self, command: list[str]) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            command,
            env=self.environment(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                yield process
                process.communicate(timeout=_LIMIT)
            finally:
                if process.poll() is None:
                    process.kill()


def _told(line: str) -> bool:
    return line.startswith("{")  # MLflow says more than it was asked


def end(process: subprocess.Popen[Any], patience: float = 15) -> None:
    """End a process that was started here, with all that it started."""
    below = descendants(process.pid)
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for one in below[1:]:
        _kill(one)


def _kill(process: int) -> None:
    try:
        os.kill(process, 9)
    except ProcessLookupError:
        return
