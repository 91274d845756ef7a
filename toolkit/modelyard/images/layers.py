"""Layers of OCI images: the same entries give the same bytes, whoever writes them, where, when and in whatever order.

A layer is a tar archive (PAX) of its entries sorted by path, with their parent folders, owned by user 0, at time 0. On
its way into the blobs it is hashed, compressed and hashed again, and never in memory. The digest before compression
(the diff id) depends on the entries alone; the one after it on the compressing library's version too.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import stat
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Literal, cast

from msgspec import Struct

from modelyard.errors import (
    DigestMismatchError,
    InvalidPathError,
    InvalidValueError,
    MissingBlobError,
    MissingExtraError,
)
from modelyard.names import check_path
from modelyard.store.blobs import BlobFolder, check_digest, full_disk_explained, sync_file, temporary_file
from modelyard.store.tree import Tree, check_link, scan

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WHITEOUT = ".wh."
_SET_ID = stat.S_ISUID | stat.S_ISGID
_LEVELS = {"gzip": (1, 9), "zstd": (1, 19)}


class LayerEntry(Struct, frozen=True, kw_only=True):
    """One path of a layer; folders above it need no entry of their own.

    Parameters
    ----------
    path
        Relative to the root of the image.
    source
        A file's content, or the file that has it.
    sha256
        What the content must have; unchecked if empty.
    mode
        The permissions; 0 for the usual ones, 0755 of a folder and 0644 of a file.
    target
        Where a link leads, relative to the folder it is in.
    """

    path: str
    kind: Literal["file", "folder", "link"] = "file"
    source: Path | bytes = b""
    sha256: str = ""
    mode: int = 0
    target: str = ""


class Compression(Struct, frozen=True, kw_only=True):
    """How a layer is compressed: every engine takes gzip (levels 1 to 9), newer ones zstd (1 to 19)."""

    kind: Literal["gzip", "zstd"] = "gzip"
    level: int = 6

    def __post_init__(self) -> None:
        lowest, highest = _LEVELS[self.kind]
        if not lowest <= self.level <= highest:
            raise InvalidValueError(f"{self.kind} level {self.level}", f"it is {lowest} to {highest}")

    @property
    def media_type(self) -> str:
        """What OCI calls a layer that is compressed like this."""
        return f"application/vnd.oci.image.layer.v1.tar+{self.kind}"


class Layer(Struct, frozen=True, kw_only=True):
    """A layer that is kept as a blob; digests are written as OCI does, ``sha256:HEX``, `size` is of the blob."""

    diff_id: str
    digest: str
    size: int
    media_type: str


def write_layer(entries: Iterable[LayerEntry], blobs: BlobFolder, compression: Compression | None = None) -> Layer:
    """Write a layer into the blobs, and say what it is.

    Raises
    ------
    InvalidPathError
        If a path is not one that a layer may have (`arrange`), or a file goes or becomes shorter meanwhile.
    MissingBlobError
        If a file whose digest is known is gone.
    DigestMismatchError
        If a file is not what its entry promises.
    StorageFullError
        If the disk is full; nothing is left behind.
    MissingExtraError
        If zstd is asked for, and its package is not installed.
    """
    compression = compression or Compression()
    ordered = arrange(entries)
    blobs.incoming.mkdir(parents=True, exist_ok=True)
    with full_disk_explained(blobs.root), temporary_file(blobs.incoming) as (file, path):
        blob = _Digested(file)
        with _compressed(blob, compression) as stream:
            archive = _Digested(stream)
            _write_archive(ordered, archive)
        sync_file(file)
        if blobs.missing([blob.sha256]):
            blobs.adopt(path, blob.sha256)
    return Layer(
        diff_id=f"sha256:{archive.sha256}",
        digest=f"sha256:{blob.sha256}",
        size=blob.size,
        media_type=compression.media_type,
    )


def arrange(entries: Iterable[LayerEntry]) -> tuple[LayerEntry, ...]:
    """Sort entries as a layer has them, the folders above them added.

    Raises
    ------
    InvalidPathError
        If a path is absolute, leaves the root, has control characters, stands twice, lies below something that is not
        a folder, would remove files of a layer below (``.wh.``), or is a link that leaves the root.
    InvalidValueError
        If a mode sets the user or the group of whoever runs the file.
    """
    listed: dict[str, LayerEntry] = {}
    for entry in entries:
        _check(entry)
        if entry.path in listed:
            raise InvalidPathError(entry.path, "it stands twice")
        listed[entry.path] = entry
    for path in tuple(listed):
        for parent in map(str, tuple(PurePosixPath(path).parents)[:-1]):
            if listed.setdefault(parent, LayerEntry(path=parent, kind="folder")).kind != "folder":
                raise InvalidPathError(path, "it lies below something that is not a folder")
    return tuple(sorted(listed.values(), key=lambda entry: entry.path.encode()))


def folder_entries(folder: Path, at: str) -> Iterator[LayerEntry]:
    """List what is in a folder, to lie below `at` in the image; of permissions only "executable" is kept.

    Raises
    ------
    InvalidPathError
        At a socket, device or pipe, and at a name that is not unicode.
    """
    for path, real, status in scan(folder):
        if stat.S_ISLNK(status.st_mode):
            yield LayerEntry(path=f"{at}/{path}", kind="link", target=str(real.readlink()))
        elif stat.S_ISDIR(status.st_mode):
            yield LayerEntry(path=f"{at}/{path}", kind="folder")
        else:
            yield LayerEntry(path=f"{at}/{path}", source=real, mode=file_mode(status.st_mode))


def tree_entries(tree: Tree, blobs: BlobFolder, at: str) -> Iterator[LayerEntry]:
    """List what a tree has, to lie below `at` in the image; the files are checked while they are read."""
    for entry in tree.entries:
        path = f"{at}/{entry.path}"
        if entry.kind == "file":
            mode = 0o755 if entry.executable else 0o644
            source = blobs.path(check_digest(entry.sha256))
            yield LayerEntry(path=path, source=source, sha256=entry.sha256, mode=mode)
        else:
            yield LayerEntry(path=path, kind=entry.kind, target=entry.target)


def file_mode(mode: int) -> int:
    """Keep of a file's permissions whether its owner may execute it."""
    return 0o755 if mode & stat.S_IXUSR else 0o644


def _check(entry: LayerEntry) -> None:
    check_path(entry.path)
    if _CONTROL.search(entry.path + entry.target):
        raise InvalidPathError(entry.path, "it holds a control character")
    if any(part.startswith(_WHITEOUT) for part in entry.path.split("/")):
        raise InvalidPathError(entry.path, f"names that begin with {_WHITEOUT!r} remove files of the layers below")
    if entry.kind == "link":
        check_link(entry.path, entry.target)
    if entry.mode & _SET_ID:
        raise InvalidValueError(f"mode {entry.mode:04o} of {entry.path}", "no file of an image may set user or group")


class _Digested(io.RawIOBase):
    """Passes on what is written, and counts and hashes it."""

    def __init__(self, to: IO[bytes]) -> None:
        self._to = to
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: bytes) -> int:  # type: ignore[override] # nothing but bytes comes
        self._to.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)


class _Checked:
    """Hashes a file while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data


def _compressed(sink: _Digested, compression: Compression) -> IO[bytes]:
    if compression.kind == "gzip":  # neither a name nor a time in its header
        stream = gzip.GzipFile(
            filename="", mode="wb", compresslevel=compression.level, fileobj=cast("IO[bytes]", sink), mtime=0
        )
        return cast("IO[bytes]", stream)
    try:
        import zstandard
    except ImportError:
        raise MissingExtraError("zstandard", "scoring") from None
    compressor = zstandard.ZstdCompressor(level=compression.level, write_checksum=True)
    return cast("IO[bytes]", compressor.stream_writer(cast("IO[bytes]", sink), closefd=False))


def _write_archive(entries: Iterable[LayerEntry], archive: _Digested) -> None:
    with tarfile.open(fileobj=cast("IO[bytes]", archive), mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            _add(tar, entry)


def _add(tar: tarfile.TarFile, entry: LayerEntry) -> None:
    info = tarfile.TarInfo(entry.path)
    if entry.kind == "folder":
        info.type, info.mode = tarfile.DIRTYPE, entry.mode or 0o755
        tar.addfile(info)
    elif entry.kind == "link":
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, entry.target
        tar.addfile(info)
    elif isinstance(entry.source, bytes):
        _add_file(tar, info, entry, io.BytesIO(entry.source), len(entry.source))
    else:
        with _opened(entry, entry.source) as file:
            _add_file(tar, info, entry, file, os.fstat(file.fileno()).st_size)


def _opened(entry: LayerEntry, source: Path) -> IO[bytes]:
    try:
        return source.open("rb")
    except FileNotFoundError:
        if entry.sha256:
            raise MissingBlobError(entry.sha256) from None
        raise InvalidPathError(entry.path, f"its file {source} is gone") from None


def _add_file(tar: tarfile.TarFile, info: tarfile.TarInfo, entry: LayerEntry, file: IO[bytes], size: int) -> None:
    info.size, info.mode = size, entry.mode or 0o644
    checked = _Checked(file) if entry.sha256 else None
    try:
        tar.addfile(info, cast("IO[bytes]", checked or file))
    except OSError as error:
        if error.errno is None:  # of tarfile, not of the system
            raise InvalidPathError(entry.path, "it became shorter while it was read") from None
        raise
    if checked is not None and checked.sha256 != entry.sha256:
        raise DigestMismatchError(entry.path, entry.sha256, checked.sha256)
