"""Files of keys, as the scoring server and the router read them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.services.errors import KeyFileError
from modelyard.settings import Secret


class _Keys(Struct, frozen=True):
    primary: str


def read_key(file: Path) -> Secret:
    """Read the primary key of a file.

    Raises
    ------
    KeyFileError
        If there is none.
    """
    try:
        return Secret(msgspec.json.decode(file.read_bytes(), type=_Keys).primary)
    except OSError as error:
        raise KeyFileError(str(file), f"{error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise KeyFileError(str(file), 'it is not JSON of the form {"primary": "..."}.') from None  # that shows a key


def write_key(file: Path, key: Secret) -> None:
    """Write a file with one key, for this user's eyes only.

    Raises
    ------
    KeyFileError
        If it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(msgspec.json.encode(_Keys(primary=key.reveal())))
    except OSError as error:
        raise KeyFileError(str(file), f"{error.strerror}.") from error
