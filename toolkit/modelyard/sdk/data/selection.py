"""Which files a user means: of this machine, or of a datastore, with their paths in a data set."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from pathspec import PathSpec

import modelyard
from modelyard.data.access import LocalFile, StoredFile
from modelyard.data.paths import read_prefix
from modelyard.data.transfer import files_named, files_of
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.sdk.data.reference import DataPath, DataReference

if TYPE_CHECKING:
    from modelyard.sdk.data.datastore import Datastore


class LocalSelection(Struct, frozen=True, kw_only=True):
    """Files of this machine."""

    files: tuple[LocalFile, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Their paths in the data set."""
        return tuple(one.path for one in self.files)


class StoredSelection(Struct, frozen=True, kw_only=True):
    """Files in the folder `folder` of a datastore."""

    store: Any  # a Datastore
    folder: str
    files: tuple[StoredFile, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Their paths in the data set: below the folder."""
        return tuple(one.path.removeprefix(f"{self.folder}/" if self.folder else "") for one in self.files)


Selection = LocalSelection | StoredSelection


def select(given: Any) -> Selection:
    """Find the files that a user means.

    Parameters
    ----------
    given
        A file, a folder or a pattern (``data/*.csv``, ``data/**/*.csv``) of this machine; a `DataPath`, a
        `DataReference` or a pair of a datastore and a path or pattern; or a list of several of one place.

    Raises
    ------
    InvalidValueError
        If it is something else.
    NotFoundError
        If there are no such files.
    """
    wanted = list(given) if isinstance(given, list) else [given]
    pairs = [pair for one in wanted if (pair := _on_datastore(one)) is not None]
    if pairs and (len(pairs) < len(wanted) or len({store.name for store, _ in pairs}) > 1):
        raise InvalidValueError("path", "give files of this machine, or of one datastore, not of several places")
    if pairs:
        return _stored(pairs[0][0], [path for _, path in pairs])
    paths = [_local_path(one) for one in wanted]
    return _local_one(paths[0]) if len(paths) == 1 else LocalSelection(files=tuple(files_named(paths, None, "")))


def _on_datastore(given: Any) -> tuple[Datastore, str] | None:
    if isinstance(given, DataPath | DataReference):
        return given.datastore, given.path_on_datastore or ""
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], modelyard.Datastore):
        return given[0], read_prefix(str(given[1]))
    return None


def _local_path(given: Any) -> Path:
    if not isinstance(given, str | Path):
        reason = "give a path of this machine, store.path('a/b') or (store, 'a/*.csv')"
        raise InvalidValueError(f"path {str(given)[:80]!r}", reason)
    return Path(given).expanduser()


def _local_one(path: Path) -> LocalSelection:
    if path.is_dir():
        files = files_of(path, "")
    elif path.exists() or not glob.has_magic(str(path)):
        files = files_named([path], None, "")
    else:
        root = Path(*_fixed(path.parts))
        found = sorted(root.glob("/".join(path.parts[len(_fixed(path.parts)) :])))
        files = files_named((one for one in found if one.is_file()), root, "")
    if not files:
        raise NotFoundError("file at", str(path))
    return LocalSelection(files=tuple(files))


def _stored(store: Datastore, paths: Sequence[str]) -> StoredSelection:
    found: dict[str, StoredFile] = {}
    for path in paths:
        some = _matching(store, path)
        if not some:
            raise NotFoundError("file at", f"{path} in the datastore {store.name}")
        found.update((one.path, one) for one in some)
    return StoredSelection(store=store, folder=_folder(list(found), paths), files=tuple(found.values()))


def _matching(store: Datastore, path: str) -> list[StoredFile]:
    there = store.list(path)
    if there or not glob.has_magic(path):
        return there
    pattern = PathSpec.from_lines("gitignore", [f"/{path}"])
    return [one for one in store.list("/".join(_fixed(path.split("/")))) if pattern.match_file(one.path)]


def _folder(found: list[str], paths: Sequence[str]) -> str:
    """Say in which folder files are: the one that was named, or that in which those are that were."""
    if len(paths) == 1 and not glob.has_magic(paths[0]) and paths[0] not in found:
        return paths[0]
    return os.path.commonpath([PurePosixPath(path).parent for path in found]).removeprefix(".")


def _fixed(parts: Sequence[str]) -> Sequence[str]:
    """Give what comes before the first part with a wildcard."""
    return parts[: next((index for index, part in enumerate(parts) if glob.has_magic(part)), len(parts))]
