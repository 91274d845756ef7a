"""Making one virtual environment out of one lock."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from msgspec import Struct

from modelyard.environments.diagnosis import explain
from modelyard.environments.errors import InstallError
from modelyard.environments.lock import Lock
from modelyard.environments.progress import Progress
from modelyard.environments.uv_program import Uv
from modelyard.environments.wheelhouse import Wheelhouse


class Installer(Struct, frozen=True, kw_only=True):
    """What makes environments: uv, where private wheels are, who is told, and the seconds that each may take."""

    uv: Uv
    wheelhouse: Wheelhouse
    progress: Progress
    timeout: float

    def make(self, lock: Lock, folder: Path, interpreter: Path) -> None:
        """Make a virtual environment in `folder` that may be moved, and install exactly `lock` into it.

        Raises
        ------
        InstallError
            If a file cannot be had, or is not the one that the lock names.
        """
        end = time.monotonic() + self.timeout
        self.make_empty(lock, folder, interpreter)
        if not lock.packages:
            return
        self.progress(f"Installing {len(lock.packages)} packages")
        with tempfile.TemporaryDirectory(prefix="modelyard-install-") as name:
            where = ["--python", str(folder / "bin" / "python"), "--compile-bytecode"]
            self._run(lock, self._install(lock, where, Path(name)), end)

    def make_empty(self, lock: Lock, folder: Path, interpreter: Path) -> None:
        """Make a virtual environment in `folder` that may be moved, and install nothing into it.

        Raises
        ------
        InstallError
            If it cannot be made.
        """
        self.progress(f"Making a virtual environment with Python {lock.python}")
        end = time.monotonic() + self.timeout
        self._run(lock, ["venv", "--relocatable", "--no-project", "--python", str(interpreter), str(folder)], end)

    def unpack(self, lock: Lock, folder: Path) -> None:
        """Unpack exactly `lock` into `folder`, for its own platform, whichever this machine has; nothing is run.

        Raises
        ------
        InstallError
            If a file cannot be had, or is not the one that the lock names.
        """
        end = time.monotonic() + self.timeout
        self.progress(f"Unpacking {len(lock.packages)} packages for {lock.platform}")
        with tempfile.TemporaryDirectory(prefix="modelyard-install-") as name:
            where = ["--target", str(folder), "--python-platform", lock.platform, "--python-version", lock.python]
            self._run(lock, self._install(lock, where, Path(name)), end)

    def _install(self, lock: Lock, where: list[str], files: Path) -> list[str]:
        (files / "requirements.txt").write_text(lock.requirements)
        arguments = ["pip", "install", *where, "--quiet", "--requirements", str(files / "requirements.txt")]
        arguments += ["--require-hashes", "--no-deps"]
        arguments += [] if lock.allow_source_builds else ["--only-binary", ":all:"]
        arguments += self.uv.indexes
        if lock.wheels:
            (files / "wheels").mkdir()
            self.wheelhouse.lay_out(lock.wheels, files / "wheels")
            arguments += ["--find-links", str(files / "wheels")]
        return arguments

    def _run(self, lock: Lock, arguments: list[str], end: float) -> None:
        try:
            finished = self.uv.run(arguments, timeout=max(1.0, end - time.monotonic()))
        except TimeoutError:
            text = f"  It took more than {self.timeout:g} s."
            raise InstallError(lock.digest, text, "Give it more time, or a nearer package index.") from None
        if finished.status != 0:
            raise InstallError(lock.digest, explain(finished.stderr), _change(finished.stderr))


def _change(stderr: str) -> str:
    if "network was disabled" in stderr:
        return "The cache lacks what is named above: install once with the network, then go offline."
    if "Hash mismatch" in stderr:
        return "The index now serves another file than when the lock was made: find out why before locking anew."
    if "No space left" in stderr:
        return "Free some space, for instance with: modelyard environment prune."
    if "not found in the package registry" in stderr or "there is no version" in stderr:
        return "The index no longer has it: lock anew, or add its wheel as a private wheel."
    return "Check the network and the package index, and try again; what was downloaded is kept."
