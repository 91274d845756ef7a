"""The keys of a service, in files for the eyes of who deployed it alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from modelyard.errors import NotFoundError
from modelyard.sdk.service.places import INNER_KEYS, KEYS
from modelyard.store.blobs import sync_file, sync_folder


class Keys(Struct, frozen=True, kw_only=True):
    """Two keys that are both valid, so that one can be exchanged while the other is in use."""

    primary: str
    secondary: str


def read_keys(folder: Path) -> Keys:
    """Read the keys of a service's clients.

    Raises
    ------
    NotFoundError
        If they are not on this machine.
    """
    try:
        return msgspec.json.decode((folder / KEYS).read_bytes(), type=Keys)
    except FileNotFoundError:
        raise NotFoundError("key of the service on this machine", folder.name) from None


def client_keys(folder: Path) -> Path:
    """Give the file of the keys of a service's clients, made if there is none."""
    return _made(folder / KEYS)


def server_keys(folder: Path, *, routed: bool) -> Path:
    """Give the file of the keys that the servers of a service ask for, made if there is none.

    Behind the router these are not the clients', which so can be exchanged without a restart.
    """
    return _made(folder / (INNER_KEYS if routed else KEYS))


def exchange(folder: Path, which: Literal["primary", "secondary"]) -> Keys:
    """Put a new key in the place of one of the clients' keys."""
    changed = replace(read_keys(folder), **{which: secrets.token_urlsafe(32)})
    _write(folder / KEYS, changed)
    return changed


def _made(file: Path) -> Path:
    if not file.exists():
        _write(file, Keys(primary=secrets.token_urlsafe(32), secondary=secrets.token_urlsafe(32)))
    return file


def _write(file: Path, keys: Keys) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(msgspec.json.encode(keys))
        sync_file(opened)  # after a loss of power the keys are those that clients have
    part.replace(file)
    sync_folder(file.parent)
