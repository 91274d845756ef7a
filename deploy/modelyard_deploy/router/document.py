"""The frame that all documents for Envoy share: resources, and a version that follows from what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

Json = dict[str, Any]
"""A part of a document, by Envoy's own names."""

TYPE = "type.googleapis.com/"


class _Versioned(Struct, frozen=True):
    version_info: str


def typed(kind: str, **fields: Any) -> Json:
    """Make a message that says of which kind it is; names that are words of Python end in ``_``."""
    return {"@type": TYPE + kind, **{name.rstrip("_"): value for name, value in fields.items()}}


def document(resources: Sequence[Json]) -> bytes:
    """Write resources with their version, which is the same for the same resources."""
    version = hashlib.sha256(msgspec.json.encode(resources)).hexdigest()[:16]
    return msgspec.json.encode({"version_info": version, "resources": resources})


def version(written: bytes) -> str:
    """Read the version of a document."""
    return msgspec.json.decode(written, type=_Versioned).version_info


def seconds(value: float) -> str:
    """Write a duration."""
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"


def address(host: str, port: int) -> Json:
    """Write an IP address and a port."""
    return {"socket_address": {"address": host, "port_value": port}}


def watched(folder: str, file: str) -> Json:
    """Say that a document is in a file, and is read again when another takes its place."""
    source = {"path": f"{folder}/{file}", "watched_directory": {"path": folder}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def set_header(name: str, value: str) -> Json:
    """Set a header to `value`, whatever it was; a ``%`` in it means itself."""
    header = {"key": name, "value": value.replace("%", "%%")}
    return {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
