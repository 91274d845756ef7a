"""Where images are read from: a folder or a tar archive that somebody else wrote.

Nothing is ever written under a name that stands in it, so that no name can lead anywhere; what is read goes into the
blob store under its digest.
"""

from __future__ import annotations

import contextlib
import io
import os
import posixpath
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from modelyard.images.oci.documents import LARGEST
from modelyard.images.oci.errors import InvalidArchiveError

_MEMBERS = 5_000
"""Members that an archive may have."""
_HEADER = 16 << 10
"""Bytes that the header of one member may have: its name, and what else an archive says of it."""
_LINKS = 8
_DAMAGED = (tarfile.TarError, ValueError, OverflowError, RecursionError)
"""What reading the headers of an archive raises that was made by accident or on purpose."""


class Source(Protocol):
    """Files by their names."""

    place: str

    def has(self, name: str) -> bool:
        """Say whether there is a file of that name."""

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """Open a file, and say how many bytes it has."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a folder or an archive.

    Raises
    ------
    InvalidArchiveError
        If it is neither.
    """
    if path.is_dir():
        yield FolderSource(path)
        return
    with TarSource(path) as source:
        yield source


def read_small(source: Source, name: str) -> bytes:
    """Read a document.

    Raises
    ------
    InvalidArchiveError
        If it is not there, or too large for a document.
    """
    file, size = source.open(name)
    with file:
        if size > LARGEST:
            raise InvalidArchiveError(source.place, f"{name} has {size} bytes, more than {LARGEST}")
        return file.read(LARGEST + 1)


class FolderSource:
    """The files of a folder; links are not followed."""

    def __init__(self, root: Path) -> None:
        self.place = str(root)
        self._root = root

    def has(self, name: str) -> bool:
        """Say whether there is a file of that name."""
        return (self._root / name).is_file()

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """Open a file, and say how many bytes it has."""
        try:
            descriptor = os.open(self._root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise InvalidArchiveError(self.place, f"{name} cannot be opened ({error.strerror})") from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise InvalidArchiveError(self.place, f"{name} is no file")
        return os.fdopen(descriptor, "rb"), status.st_size


class TarSource:
    """The files of a tar archive, which is not compressed; links within the archive are followed."""

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._path = path

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(self._opened())
            self._tar = self._recognised(file)
            self._members = self._listed()
            file.longest = LARGEST + 1
            self._close = stack.pop_all().close
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def has(self, name: str) -> bool:
        """Say whether there is a file of that name."""
        return name in self._members

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """Open a file, and say how many bytes it has."""
        member = self._member(name)
        file = self._tar.extractfile(member) if member.isreg() else None
        if file is None or member.issparse() or member.size < 0:
            raise InvalidArchiveError(self.place, f"{name} is no file")
        return file, member.size  # type: ignore[return-value] # a buffered reader, which is a binary file

    def _opened(self) -> _Headers:
        try:
            return _Headers(self._path)
        except OSError as error:
            raise InvalidArchiveError(self.place, f"it cannot be opened ({error.strerror})") from None

    def _recognised(self, file: _Headers) -> tarfile.TarFile:
        try:
            return tarfile.open(fileobj=file, mode="r:")
        except (OSError, *_DAMAGED):
            reason = "it is no tar archive; one that is compressed is to be unpacked first, for instance with gunzip"
            raise InvalidArchiveError(self.place, reason) from None

    def _listed(self) -> dict[str, tarfile.TarInfo]:
        members: dict[str, tarfile.TarInfo] = {}
        try:
            for count, member in enumerate(self._tar):
                if count >= _MEMBERS:
                    raise InvalidArchiveError(self.place, f"it has more than {_MEMBERS} members")
                members[posixpath.normpath(member.name)] = member
        except (OSError, *_DAMAGED):
            raise InvalidArchiveError(self.place, "it is damaged or ends too early") from None
        return members

    def _member(self, name: str) -> tarfile.TarInfo:
        for _ in range(_LINKS):
            member = self._members.get(posixpath.normpath(name))
            if member is None:
                raise InvalidArchiveError(self.place, f"it has no {name}")
            if member.issym():  # as `docker save` writes for a layer that stands in it twice
                name = posixpath.join(posixpath.dirname(name), member.linkname)
            elif member.islnk():
                name = member.linkname
            else:
                return member
        raise InvalidArchiveError(self.place, f"{name} is a link to a link to a link")


class _Headers(io.FileIO):
    """An archive of which only so much is read at a time: a header that calls itself large is not taken into memory."""

    longest = _HEADER

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= self.longest:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)
