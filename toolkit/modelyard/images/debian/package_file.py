"""Reading a Debian package: an ``ar`` archive of two tar archives, what is said of the package and what is in it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from msgspec import Struct

from modelyard.images.debian.errors import DamagedPackageError
from modelyard.images.debian.system import DebianPackage
from modelyard.store.blobs import CHUNK

_MAGIC = b"!<arch>\n"
_HEADER = 60
_SIZE = slice(48, 58)
_LARGEST_CONTROL = 1 << 20
_FIELD = re.compile(r"^(?P<name>Package|Version|Architecture|Source):[ \t]*(?P<value>\S+)", re.MULTILINE)
_BROKEN = (tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError, KeyError)


class PackageFile(Struct, frozen=True, kw_only=True):
    """A package's file, and what it says of itself."""

    path: Path
    control: str
    package: DebianPackage

    @classmethod
    def open(cls, path: Path) -> PackageFile:
        """Read what a package says of itself.

        Raises
        ------
        DamagedPackageError
            If it is not a Debian package.
        """
        with _damage(path), _member(path, "control.tar") as stream:
            with tarfile.open(fileobj=io.BytesIO(stream.read(_LARGEST_CONTROL)), mode="r:") as tar:
                control = cast("IO[bytes]", tar.extractfile("./control")).read().decode()
            said = {match["name"]: match["value"] for match in _FIELD.finditer(control)}
            package = DebianPackage(
                name=said["Package"],
                version=said["Version"],
                architecture=said["Architecture"],
                source=said.get("Source", ""),
            )
        return cls(path=path, control=control, package=package)

    @contextmanager
    def contents(self) -> Iterator[tarfile.TarFile]:
        """Open the archive of what it installs, decompressed into a temporary file.

        Raises
        ------
        DamagedPackageError
            If it cannot be read.
        """
        with tempfile.TemporaryFile(dir=self.path.parent) as plain, _damage(self.path):
            with _member(self.path, "data.tar") as stream:
                shutil.copyfileobj(stream, plain, CHUNK)
            plain.seek(0)
            with tarfile.open(fileobj=plain, mode="r:") as tar:
                yield tar


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's fault, not the package's
            raise
        raise DamagedPackageError(path.name, str(error) or type(error).__name__) from None


@contextmanager
def _member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open the member that is called `name` and a suffix that says how it is compressed."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("it is not an ar archive")
        while header := file.read(_HEADER):
            found, size = header[:16].decode().strip().removesuffix("/"), int(header[_SIZE])
            if found.startswith(name):
                with _decompressed(_Section(file, size), found.removeprefix(name)) as stream:
                    yield stream
                return
            file.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError(f"it has no {name}")


class _Section(io.RawIOBase):
    """The next `size` bytes of a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def _decompressed(section: _Section, suffix: str) -> IO[bytes]:
    file = cast("IO[bytes]", section)
    match suffix:
        case ".xz":
            return lzma.open(file)
        case ".gz":
            return cast("IO[bytes]", gzip.open(file))
        case ".bz2":
            return bz2.open(file)
    raise ValueError(f"it is compressed as {suffix or 'nothing'!r}, which cannot be read here")
