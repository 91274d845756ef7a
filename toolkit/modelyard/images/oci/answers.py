"""What a registry's answers mean when they are not what was asked for."""

from __future__ import annotations

import re

import httpx
import msgspec
from msgspec import Struct

from modelyard.images.oci.errors import (
    NotARegistryError,
    RegistryError,
    RegistryFailureError,
    RegistryFullError,
    UnknownImageError,
)

_MISSING = {
    "NAME_UNKNOWN": "repository",
    "MANIFEST_UNKNOWN": "tag or digest",
    "MANIFEST_BLOB_UNKNOWN": "content that it refers to",
    "BLOB_UNKNOWN": "content that it refers to",
}
_FULL = re.compile(rb'no space left|quota exceeded|"Err": ?(?:28|122)\b', re.IGNORECASE)
"""How registries say that their disk is full: by the system's words, or by its number as distribution 2 does."""


class _Problem(Struct, frozen=True):
    code: str = ""
    message: str = ""


class _Problems(Struct, frozen=True):
    errors: tuple[_Problem, ...] = ()


def codes(body: bytes) -> set[str]:
    """List the codes of an answer's errors; none when it is no answer of a registry."""
    return {problem.code for problem in _problems(body)}


def explained(registry: str, image: str, response: httpx.Response, body: bytes) -> RegistryError:
    """Make the error that says what an answer means; `image` is what it was about, `body` what came of it."""
    found = codes(body)
    if _FULL.search(body) is not None or response.status_code == httpx.codes.INSUFFICIENT_STORAGE:
        return RegistryFullError(registry)
    if response.status_code == httpx.codes.NOT_FOUND:
        missing = next((word for code, word in _MISSING.items() if code in found), None)
        return UnknownImageError(image, missing) if missing else not_a_registry(response)
    text = "; ".join(f"{one.code} {one.message}".strip() for one in _problems(body))
    return RegistryFailureError(registry, response.status_code, text or response.reason_phrase or "without a reason")


def not_a_registry(response: httpx.Response) -> NotARegistryError:
    """Make the error for an answer that no registry gives."""
    kind = response.headers.get("content-type", "no content type").partition(";")[0]
    return NotARegistryError(address(response.request.url), f"it says {response.status_code}, with {kind}")


def address(url: httpx.URL) -> str:
    """Write an address without what may be secret in it: users and queries, which hold signatures."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}"


def _problems(body: bytes) -> tuple[_Problem, ...]:
    try:
        return msgspec.json.decode(body, type=_Problems).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
