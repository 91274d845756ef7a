"""A log that keeps the beginning and the end of what is written to it, however much that is."""

from __future__ import annotations

import errno
import os

_AT_ONCE = 1 << 16


class BoundedLog:
    """A file of at most three times `limit` bytes and a line.

    When it grows past that, what is between its first and its last `limit` bytes is left out, and a line in its place
    says how much that was. The shorter file takes the place of the longer one whole; what the disk has no room for is
    left out as well.

    Attributes
    ----------
    descriptor
        The file; another one after it was made shorter.
    """

    def __init__(self, file: str, limit: int) -> None:
        self._file = file
        self._limit = limit
        self.descriptor = _opened(file)
        self._size = os.fstat(self.descriptor).st_size
        self._note = b""
        self._left_out = self._unsaid = 0

    def add(self, data: bytes) -> None:
        """Append output."""
        written = self._write(data)
        self._size += written
        self._unsaid += len(data) - written
        if self._size > 3 * self._limit + len(self._note):
            self._shorten()

    def close(self) -> None:
        """Say what could not be written, if it can be now."""
        if self._unsaid:
            self._write(_note(self._unsaid, "the disk was full"))
        os.close(self.descriptor)

    def _write(self, data: bytes) -> int:
        written = 0
        while written < len(data):
            try:
                written += os.write(self.descriptor, data[written:])
            except OSError:  # the disk is full
                break
        return written

    def _shorten(self) -> None:
        left_out = self._left_out + self._size - 2 * self._limit - len(self._note)
        note = _note(left_out, "only the beginning and the end are kept")
        try:
            shorter = self._replacement(note)
        except OSError:  # no room for both
            self._cut()
            return
        os.dup2(shorter, self.descriptor, inheritable=False)
        os.close(shorter)
        self._note, self._left_out = note, left_out
        self._size = 2 * self._limit + len(note)

    def _replacement(self, note: bytes) -> int:
        part = f"{self._file}.part"
        shorter = _opened(part)
        try:
            _copy(self.descriptor, shorter, 0, self._limit)
            _copy_bytes(note, shorter)
            _copy(self.descriptor, shorter, self._size - self._limit, self._limit)
            os.rename(part, self._file)  # noqa: PTH104 - pathlib takes ten milliseconds
        except OSError:
            os.close(shorter)
            os.unlink(part)  # noqa: PTH108
            raise
        return shorter

    def _cut(self) -> None:
        os.ftruncate(self.descriptor, self._limit)
        self._unsaid += self._left_out + self._size - self._limit - len(self._note)
        self._size, self._note, self._left_out = self._limit, b"", 0


def _opened(file: str) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)


def _note(count: int, why: str) -> bytes:
    return f"\n[modelyard: {count} bytes of the output are left out here: {why}]\n".encode()


def _copy(source: int, target: int, start: int, count: int) -> None:
    while count > 0 and (data := os.pread(source, min(count, _AT_ONCE), start)):
        _copy_bytes(data, target)
        start, count = start + len(data), count - len(data)


def _copy_bytes(data: bytes, target: int) -> None:
    if os.write(target, data) < len(data):
        raise OSError(errno.ENOSPC, "it was not written whole")
