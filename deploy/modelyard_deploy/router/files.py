"""The router's folder: each file is exchanged whole, and only its owner reads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from modelyard.environments.folder_lock import held
from modelyard_deploy.router.document import Json
from modelyard_deploy.router.errors import RouterBusyError, RouterFolderError
from modelyard_deploy.router.naming import GLOBAL, LOGS
from modelyard_deploy.router.state import State, decode, encode

_STATE = "state.json"
_PATIENCE = 120.0
_LONG_LOG = 64 * 2**20


class Files:
    """The files of one router."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the router meanwhile.

        Raises
        ------
        RouterBusyError
            If one does so for too long.
        RouterFolderError
            If the folder cannot be used.
        """
        self._prepare()
        try:
            with held(self.folder / "lock", shared=False, timeout=_PATIENCE):
                yield
        except TimeoutError:
            raise RouterBusyError(str(self.folder), _PATIENCE) from None

    def state(self) -> State:
        """Read what was last confirmed."""
        try:
            return decode((self.folder / _STATE).read_bytes())
        except FileNotFoundError:
            return State()
        except msgspec.MsgspecError as error:
            raise RouterFolderError(
                str(self.folder), f"its {_STATE} is damaged ({error}). Remove it, and deploy anew."
            ) from None

    def keep(self, state: State) -> None:
        """Write what is confirmed."""
        self.swap(_STATE, encode(state))

    def swap(self, name: str, content: bytes) -> None:
        """Put a file in the place of another, unless they are the same."""
        file = self.folder / name
        if not file.is_file() or file.read_bytes() != content:
            self.write(name, content)

    def write(self, name: str, content: bytes) -> None:
        """Put a file in the place of another, in one step that Envoy sees.

        Raises
        ------
        RouterFolderError
            If it cannot be written; the other stays.
        """
        file = self.folder / name
        part = file.with_name(f".{file.name}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            part.replace(file)
        except OSError as error:
            raise RouterFolderError(str(self.folder), f"{error.strerror} ({name}).") from error

    def resources(self, name: str) -> list[Json]:
        """Read the resources of a document; none if it is not there."""
        try:
            read: list[Json] = msgspec.json.decode((self.folder / name).read_bytes())["resources"]
        except FileNotFoundError:
            return []
        return read

    def rotate(self) -> bool:
        """Put the logs of services that have become long aside, each in the place of an earlier one; say if any was."""
        long = [log for log in (self.folder / LOGS).glob("*.log") if log.stat().st_size > _LONG_LOG]
        for log in long:
            log.replace(log.with_suffix(".log.1"))
        return bool(long)

    def empty(self, name: str) -> None:
        """Remove the files of a folder; Envoy may watch the folder itself for a while."""
        for file in (self.folder / name).glob("*"):
            file.unlink()

    def clear(self, name: str) -> None:
        """Remove a folder, if it is there."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in (GLOBAL, LOGS):
                (self.folder / name).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise RouterFolderError(str(self.folder), f"{error.strerror}.") from error
