"""What things may be called, and how a version is written."""

from __future__ import annotations

import re
from typing import Self

from msgspec import Struct

from modelyard.errors import InvalidNameError, InvalidPathError, InvalidReferenceError, InvalidValueError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_REFERENCE = re.compile(r"(?P<name>[^:@]+)(?::(?P<version>[1-9][0-9]{0,8})|@(?P<alias>[^:@]+))?")
_FORM = "NAME, NAME:VERSION (version 1 or above) or NAME@ALIAS"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_name(kind: str, name: str) -> str:
    """Return `name`.

    Raises
    ------
    InvalidNameError
        If it has not 1 to 128 characters of ``A-Z a-z 0-9 . _ -``, the first a letter or a digit.
    """
    if _NAME.fullmatch(name) is None:
        raise InvalidNameError(kind, name)
    return name


def check_label(kind: str, text: str) -> str:
    """Return `text`, which may be anything printable of 1 to 250 characters (metric names, tag keys).

    Raises
    ------
    InvalidValueError
        If it is empty, longer, or holds control characters.
    """
    if not text or len(text) > 250 or _CONTROL.search(text):
        raise InvalidValueError(f"{kind} {text[:40]!r}", "needs 1 to 250 characters, none of them a control character")
    return text


def check_path(path: str) -> str:
    """Return `path`, a relative path with ``/`` between its parts.

    Raises
    ------
    InvalidPathError
        If it is absolute, has an empty part, ``.``, ``..``, a NUL, a part of more than 255 bytes, or text that is
        not valid unicode.
    """
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise InvalidPathError(ascii(path), "it is not valid unicode") from None
    parts = path.split("/")
    if "\x00" in path:
        raise InvalidPathError(path, "it holds a NUL character")
    if size > 4000 or any(len(part.encode()) > 255 for part in parts):
        raise InvalidPathError(path, "it is too long")
    if any(part in ("", ".", "..") for part in parts):
        raise InvalidPathError(path, "it must be relative, without empty parts, '.' or '..'")
    return path


class VersionRef(Struct, frozen=True):
    """The short name people type for a version, such as ``digits:3``, ``digits@champion`` or ``digits`` (the latest).

    At most one of `version` (1 and above) and `alias` is given.
    """

    name: str
    version: int | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NAME``, ``NAME:VERSION`` or ``NAME@ALIAS``.

        Raises
        ------
        InvalidReferenceError
            If `text` has another form, or the version is below 1.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None or _NAME.fullmatch(match["name"]) is None:
            raise InvalidReferenceError(text, _FORM)
        if match["alias"] is not None and _NAME.fullmatch(match["alias"]) is None:
            raise InvalidReferenceError(text, _FORM)
        return cls(match["name"], int(match["version"]) if match["version"] else None, match["alias"])

    def __str__(self) -> str:
        """Write the form that `parse` reads."""
        if self.version is not None:
            return f"{self.name}:{self.version}"
        return f"{self.name}@{self.alias}" if self.alias is not None else self.name
