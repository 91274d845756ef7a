"""The keys of clients: read from their file, and asked for by a filter that is exchanged without a restart."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.settings import Secret
from modelyard_deploy.router.document import Json, typed, watched
from modelyard_deploy.router.errors import RouterFileError
from modelyard_deploy.router.naming import KEYS, keys_name, service_folder

CLIENT_HEADER = "x-modelyard-client"
"""Which of its keys a client presented, for the log and the revision."""

_FILTER = "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth"
_FORM = re.compile(r"[!-~]{16,256}")
_LARGEST = 10_000


class _KeyFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    primary: str
    secondary: str | None = None


def read_keys(file: str) -> tuple[Secret, ...]:
    """Read the keys of a file, the primary one first.

    Raises
    ------
    RouterFileError
        If it cannot be read, others than its owner may read it, or it holds something else.
    """
    try:
        with Path(file).open("rb") as stream:
            if os.fstat(stream.fileno()).st_mode & 0o077:
                raise RouterFileError(file, "others than its owner may read it. Give it the mode 0600.")
            content = msgspec.json.decode(stream.read(_LARGEST), type=_KeyFile)
    except OSError as error:
        raise RouterFileError(file, f"{error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        reason = 'it is not JSON of the form {"primary": "...", "secondary": "..."}.'
        raise RouterFileError(file, reason) from None  # the cause could show a key
    keys = [key for key in (content.primary, content.secondary) if key is not None]
    if not all(_FORM.fullmatch(key) for key in keys):
        raise RouterFileError(file, "a key has 16 to 256 visible characters (ASCII).")
    return tuple(Secret(key) for key in dict.fromkeys(keys))


def keys_filter(service: str) -> Json:
    """Make the part of a listener that asks for keys, wherever those are."""
    source = watched(service_folder(service), KEYS)
    return {
        "name": keys_name(service),
        "config_discovery": {"config_source": source, "type_urls": [typed(_FILTER)["@type"]]},
    }


def keys(service: str, presented: tuple[Secret, ...]) -> Json:
    """Make the filter with the keys of a service."""
    names = ("primary", "secondary")
    checked = typed(
        _FILTER,
        credentials=[{"key": key.reveal(), "client": name} for key, name in zip(presented, names, strict=False)],
        key_sources=[{"header": "x-api-key"}, {"header": "authorization"}],
        forwarding={"header": CLIENT_HEADER, "hide_credentials": True},
    )
    return typed("envoy.config.core.v3.TypedExtensionConfig", name=keys_name(service), typed_config=checked)
