"""Files to a datastore and back: what is there already stays, and what is interrupted leaves whole files only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from modelyard.data.access import Access, LocalFile, Readable, StoredFile, placed
from modelyard.data.errors import FilesDifferError
from modelyard.data.paths import check_stored_path, joined
from modelyard.data.streams import in_streams
from modelyard.errors import InvalidPathError, InvalidValueError, NotFoundError
from modelyard.names import check_path
from modelyard.store.blobs import digest_of
from modelyard.store.tree import scan

Seen = Callable[[int, str], None]
"""Is told how many bytes a file has, and its path, when it is there."""

_FEW = 20
"""Paths that are looked for one by one; for more, the folder that they have in common is listed."""


def files_of(folder: Path, target: str) -> list[LocalFile]:
    """List the files of a folder, with their paths below `target`; a link to a file is that file.

    Raises
    ------
    InvalidValueError
        If it is not a folder.
    InvalidPathError
        If a link leads out of it or to a folder, or something is neither a file, a folder nor a link.
    """
    if not folder.is_dir():
        raise InvalidValueError(f"folder {str(folder)!r}", "it is not a folder that is there")
    root = folder.resolve()
    found = []
    for path, real, _ in scan(folder):
        if real.is_symlink() and not (real.is_file() and real.resolve().is_relative_to(root)):
            raise InvalidPathError(path, f"it is a link to {str(real.readlink())!r}, which is no file in the folder")
        if real.is_file():
            found.append(LocalFile.at(real, check_stored_path(joined(target, path))))
    return found


def files_named(files: Iterable[Path], root: Path | None, target: str) -> list[LocalFile]:
    """List files with their paths below `target`: relative to `root`, or without one their names.

    Raises
    ------
    InvalidValueError
        If one is not a file that is there, or not below `root`, or two would have the same path.
    """
    found: dict[str, LocalFile] = {}
    for file in files:
        if not file.is_file():
            raise InvalidValueError(f"file {str(file)!r}", "it is not a file that is there")
        path = check_stored_path(joined(target, _relative(file, root)))
        if path in found:
            both = f"it and {str(found[path].file)!r} would both be {path!r}; give relative_root"
            raise InvalidValueError(f"file {str(file)!r}", both)
        found[path] = LocalFile.at(file, path)
    return list(found.values())


def _relative(file: Path, root: Path | None) -> str:
    if root is None:
        return file.name
    try:
        # not resolved: a link keeps its own name
        return Path(os.path.abspath(file)).relative_to(os.path.abspath(root)).as_posix()  # noqa: PTH100
    except ValueError:
        raise InvalidValueError(f"file {str(file)!r}", f"it is not below relative_root {str(root)!r}") from None


def upload(access: Access, where: str, files: Sequence[LocalFile], *, overwrite: bool, seen: Seen) -> int:
    """Keep `files`, and say how many had to be sent; what is there with the same content is not.

    Parameters
    ----------
    where
        How an error names the datastore.
    overwrite
        Replace other content that is there.

    Raises
    ------
    FilesDifferError
        If other content is there, and it is not to be replaced; nothing was written then.
    FileChangedError
        If a file is written to while it is read.
    """
    there = _there(access, [file.path for file in files])
    same = _same(access, ((there[file.path], file.file) for file in files if file.path in there))
    if not overwrite and (differing := sorted(path for path, is_same in same.items() if not is_same)):
        raise FilesDifferError(where, differing)
    wanted = []
    for file in files:
        if same.get(file.path):
            seen(file.size, file.path)
        else:
            wanted.append(file)
    for file in access.write(wanted, replace=overwrite):
        seen(file.size, file.path)
    return len(wanted)


def download(access: Readable, found: Sequence[StoredFile], folder: Path, *, overwrite: bool, seen: Seen) -> int:
    """Write the files `found` below `folder`, and say how many had to be fetched.

    Raises
    ------
    FilesDifferError
        If other content is there, and it is not to be replaced; nothing was written then.
    InvalidPathError
        If a path leaves the folder, through a link too, or a file stands where a folder is needed.
    """
    targets = [(one, folder / check_path(one.path)) for one in found]
    root = folder.resolve()
    for one, target in targets:
        if not target.parent.resolve().is_relative_to(root):
            raise InvalidPathError(one.path, "a link in the folder leads out of it")
    same = _same(access, ((one, target) for one, target in targets if os.path.lexists(target)))
    if not overwrite and (differing := sorted(path for path, is_same in same.items() if not is_same)):
        raise FilesDifferError(f"The folder {str(folder)!r}", differing)
    wanted = []
    for one, target in targets:
        if same.get(one.path):
            seen(one.size, one.path)
        else:
            wanted.append((one, target))
    for one in in_streams(lambda pair: _fetch(access, *pair), wanted):
        seen(one.size, one.path)
    return len(wanted)


def materialise(access: Access, name: str, prefix: str, folder: Path) -> Path:
    """Bring a file or a folder of the datastore `name` below `folder`, and say where it is.

    Raises
    ------
    NotFoundError
        If there is nothing at `prefix`.
    """
    found = list(access.list(prefix))
    if prefix and not found:
        raise NotFoundError("file or folder", f"{prefix} in the datastore {name}")
    folder.mkdir(parents=True, exist_ok=True)
    download(access, found, folder, overwrite=True, seen=lambda *_: None)
    return folder / prefix


def _there(access: Access, paths: Sequence[str]) -> dict[str, StoredFile]:
    prefixes = paths if len(paths) <= _FEW else [os.path.commonpath(paths)]
    wanted = set(paths)
    return {one.path: one for prefix in prefixes for one in access.list(prefix) if one.path in wanted}


def _same(access: Readable, pairs: Iterable[tuple[StoredFile, Path]]) -> dict[str, bool]:
    """Say of each path on the datastore whether the file beside it has the same content."""

    def compare(pair: tuple[StoredFile, Path]) -> tuple[str, bool]:
        stored, file = pair
        same_size = file.is_file() and file.stat().st_size == stored.size
        return stored.path, same_size and digest_of(file) == access.digest(stored)

    return dict(in_streams(compare, pairs))


def _fetch(access: Readable, stored: StoredFile, target: Path) -> StoredFile:
    with placed(stored.path):
        target.parent.mkdir(parents=True, exist_ok=True)
        access.fetch(stored, target)
    if stored.executable:
        target.chmod(0o755)
    return stored
