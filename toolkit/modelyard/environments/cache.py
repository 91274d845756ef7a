"""Virtual environments, one for each lock, made once and kept.

Below the root: ``DIGEST/`` is a whole environment; ``.building/`` holds those being made, each under a name of its
own, renamed when it is whole; ``.locks/DIGEST`` is held while one is made, looked up or removed. A name without a dot
is therefore never half-made, whoever was killed when.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.environments.errors import (
    CacheUnusableError,
    EnvironmentBusyError,
    ForeignPlatformError,
    InstallError,
    UnresolvedLockError,
)
from modelyard.environments.folder_lock import held
from modelyard.environments.installer import Installer
from modelyard.environments.interpreters import find_interpreter
from modelyard.environments.lock import Lock
from modelyard.environments.platforms import running_platform, runs_here
from modelyard.environments.progress import Progress, silent
from modelyard.environments.uv_program import Uv
from modelyard.environments.wheelhouse import Wheelhouse

_STAMP = "modelyard-lock.json"
_TIMEOUT = 1800.0
_DYING = 5.0
"""Seconds for the program of a killed build to end; it is looked after ten times a second (`supervisor`)."""
_PAUSE = 0.01
_PROCESSES = Path("/proc")


class CachedEnvironment(Struct, frozen=True, kw_only=True):
    """A virtual environment in the cache; `last_used` is in seconds since 1970, `size` in bytes."""

    digest: str
    path: Path
    python: str
    packages: int
    last_used: float
    size: int
    in_use: bool


class EnvironmentCache:
    """The virtual environments below `root`; `wheelhouse` is where private wheels are kept."""

    def __init__(self, root: Path, *, uv: Uv | None = None, wheelhouse: Path | None = None) -> None:
        self._root = root.absolute()
        self._uv = uv or Uv()
        self._wheelhouse = Wheelhouse(wheelhouse or self._root / ".wheels")

    def find(self, lock: Lock) -> Path | None:
        """Say where the environment of `lock` is, and that it is used now; None if it has to be made."""
        if not _runs(path := self._root / lock.digest):
            return None
        with self._held(lock.digest, _TIMEOUT, shared=True):
            try:
                os.utime(path / _STAMP)
            except FileNotFoundError:
                return None
        return path

    def realise(
        self,
        lock: Lock,
        *,
        progress: Progress | None = None,
        timeout: float = _TIMEOUT,
        brought: Callable[[Path], bool] | None = None,
    ) -> Path:
        """Give the folder of a virtual environment that holds exactly `lock`, making it if need be.

        However many processes ask at once, it is made once; `timeout` (seconds) bounds the waiting for another one,
        and the making, each. `progress` is told what is being done. Where a package cannot be had, `brought` may put
        all of them, as they were once installed, into the folder that it is given, and say whether it did.

        Raises
        ------
        UnresolvedLockError
            If `lock` has no hashes.
        ForeignPlatformError
            If `lock` was made for another kind of machine.
        InterpreterNotFoundError
            If this machine has no interpreter of the lock's version.
        InstallError
            If a package cannot be had; nothing is left behind.
        EnvironmentBusyError
            If another process makes the same environment for longer than `timeout`.
        CacheUnusableError
            If the cache folder cannot be written.
        """
        if lock.kind != "resolved":
            raise UnresolvedLockError(lock.digest)
        if not runs_here(lock.platform):
            raise ForeignPlatformError(lock.platform, running_platform())
        if path := self.find(lock):
            return path
        path = self._root / lock.digest
        with self._held(lock.digest, timeout):
            if not _runs(path):
                self._build(lock, path, self._installer(progress or silent, timeout), brought)
            os.utime(path / _STAMP)
        return path

    def list(self) -> tuple[CachedEnvironment, ...]:
        """List what is there, the longest unused first."""
        running = tuple(_programs())
        found = (_describe(path, running) for path in self._whole())
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.last_used))

    def prune(self, *, unused_for: float, dry_run: bool = False) -> tuple[CachedEnvironment, ...]:
        """Remove environments that nobody asked for in the last `unused_for` seconds, and remains of broken builds.

        One that a process of this machine runs from is kept. With `dry_run` nothing is removed; what would be is
        returned either way.
        """
        before = time.time() - unused_for
        old = tuple(one for one in self.list() if one.last_used <= before and not one.in_use)
        if dry_run:
            return old
        for digest in {path.name.partition("-")[0] for path in self._building("")}:
            self._sweep(digest)
        return tuple(one for one in old if self._remove(one, before))

    def _build(
        self, lock: Lock, path: Path, installer: Installer, brought: Callable[[Path], bool] | None = None
    ) -> None:
        interpreter = find_interpreter(lock.python, self._uv)
        self._clear(lock.digest)
        shutil.rmtree(path, ignore_errors=True)  # one whose interpreter has gone
        (self._root / ".building").mkdir(exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f"{lock.digest}-", dir=self._root / ".building"))
        try:
            try:
                installer.make(lock, building / "environment", interpreter)
            except InstallError:
                if brought is None:
                    raise
                shutil.rmtree(building / "environment", ignore_errors=True)
                installer.make_empty(lock, building / "environment", interpreter)
                packages = building / "environment" / "lib" / f"python{lock.python}" / "site-packages"
                if not brought(packages):
                    raise
            (building / "environment" / _STAMP).write_bytes(lock.to_json())
            (building / "environment").rename(path)
        except OSError as error:
            raise InstallError(lock.digest, f"  {error}", "Free some space, or use another folder as cache.") from None
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _installer(self, progress: Progress, timeout: float) -> Installer:
        return Installer(uv=self._uv, wheelhouse=self._wheelhouse, progress=progress, timeout=timeout)

    def _clear(self, digest: str) -> None:
        """Remove what killed builds of this environment left; only for the holder of its lock.

        The program of a killed build ends a moment after it, and until then may make files in what is being removed.
        """
        deadline = time.monotonic() + _DYING
        while remains := tuple(self._building(digest)):
            for one in remains:
                shutil.rmtree(one, ignore_errors=True)
            if time.monotonic() > deadline:
                return
            time.sleep(_PAUSE)

    def _sweep(self, digest: str) -> None:
        try:
            with self._held(digest, 0.0):
                self._clear(digest)
        except EnvironmentBusyError:
            return  # it is being made just now

    def _remove(self, one: CachedEnvironment, before: float) -> bool:
        """Remove an environment, unless somebody came for it in between."""
        try:
            with self._held(one.digest, 0.0):
                if (one.path / _STAMP).stat().st_mtime > before:
                    return False
                (self._root / ".building").mkdir(exist_ok=True)
                aside = Path(tempfile.mkdtemp(prefix=f"{one.digest}-", dir=self._root / ".building"))
                one.path.rename(aside / "environment")
                shutil.rmtree(aside, ignore_errors=True)
        except (EnvironmentBusyError, FileNotFoundError):
            return False
        return True

    def _whole(self) -> Iterator[Path]:
        return (path for path in self._root.glob("*") if not path.name.startswith("."))

    def _building(self, digest: str) -> Iterator[Path]:
        return (self._root / ".building").glob(f"{digest}*-*")

    @contextmanager
    def _held(self, digest: str, timeout: float, *, shared: bool = False) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(held(self._root / ".locks" / digest, shared=shared, timeout=timeout))
            except TimeoutError:
                raise EnvironmentBusyError(digest, timeout) from None
            except OSError as error:
                raise CacheUnusableError(str(self._root), error.strerror or str(error)) from None
            yield


def _runs(path: Path) -> bool:
    """Say whether an environment is there, and the interpreter that it was made with still is."""
    return (path / "bin" / "python").exists()


def _describe(path: Path, running: tuple[str, ...]) -> CachedEnvironment | None:
    """Read an environment's stamp; None for one that was removed just now, or that is not ours."""
    try:
        used = (path / _STAMP).stat().st_mtime
        lock = Lock.from_json((path / _STAMP).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return CachedEnvironment(
        digest=path.name,
        path=path,
        python=lock.python,
        packages=len(lock.packages),
        last_used=used,
        size=_size(path),
        in_use=any(program.startswith(f"{path}/") for program in running),
    )


def _size(folder: Path) -> int:
    """Add up the files' sizes; those that uv shares with its own cache by links count in full."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(at, name)).st_size  # noqa: PTH118 - many thousand files
    return total


def _programs() -> Iterator[str]:
    """Name the programs that processes of this machine were started as, where the system says so."""
    for process in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            yield (process / "cmdline").read_bytes().split(b"\0")[0].decode("utf-8", "replace")
