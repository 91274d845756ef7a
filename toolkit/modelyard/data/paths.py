"""Paths on a datastore: relative, with ``/`` between their parts."""

from __future__ import annotations

from modelyard.errors import InvalidPathError
from modelyard.names import check_path

_LONGEST = 1024
"""Bytes: what the object stores take."""


def check_stored_path(path: str) -> str:
    """Return `path`, that of a file on a datastore.

    Raises
    ------
    InvalidPathError
        If it is not a relative path without empty parts, ``.`` and ``..``, or has more than 1024 bytes.
    """
    if len(check_path(path).encode()) > _LONGEST:
        raise InvalidPathError(path, f"a path on a datastore has at most {_LONGEST} bytes")
    return path


def read_prefix(text: str | None) -> str:
    """Read what a user says for a file or a folder of a datastore; an empty text (``.``, None) is all of it.

    Raises
    ------
    InvalidPathError
        If it leaves the datastore.
    """
    path = (text or "").removesuffix("/").removeprefix("./")
    return check_stored_path(path) if path not in ("", ".") else ""


def joined(*parts: str) -> str:
    """Join paths of which some may be empty."""
    return "/".join(part for part in parts if part)
