"""Names of images in registries, such as ``127.0.0.1:5000/digits:3``.

The grammar is that of https://github.com/distribution/reference; of digests, only sha256 is taken.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Self

from msgspec import Struct

from modelyard.images.oci.errors import InvalidImageReferenceError

DOCKER_HUB = "docker.io"
"""The registry that is meant where none is said."""

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_REGISTRY = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?P<address>[0-9A-Fa-f:]{{2,45}})\])(?::(?P<port>[0-9]{{1,5}}))?"
)
_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")
_LONGEST = 255


class ImageReference(Struct, frozen=True, kw_only=True):
    """The name of an image: registry, repository, and a tag or a digest or both (then the digest counts)."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name as people write it; ``python`` is ``docker.io/library/python:latest``.

        Raises
        ------
        InvalidImageReferenceError
            If `text` breaks the grammar, which the text of the error tells.
        """
        if len(text) > 2 * _LONGEST + 200:
            raise InvalidImageReferenceError(text, "it is too long")
        name, at, digest = text.partition("@")
        if at and _DIGEST.fullmatch(digest) is None:
            raise InvalidImageReferenceError(text, "after '@' comes sha256: with 64 lower-case hexadecimal digits")
        head, slash, last = name.rpartition("/")
        last, colon, tag = last.partition(":")
        if colon and _TAG.fullmatch(tag) is None:
            raise InvalidImageReferenceError(text, "a tag has 1 to 128 letters, digits, '_', '.' or '-'")
        registry, repository = _split(head + slash + last)
        _check(text, registry, repository)
        tag = tag or ("" if digest else "latest")
        return cls(registry=registry.lower(), repository=repository, tag=tag, digest=digest)

    def __str__(self) -> str:
        """Write the whole name, as `parse` reads it."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def target(self) -> str:
        """What a registry is asked for: the digest, or else the tag."""
        return self.digest or self.tag

    def pinned(self, digest: str) -> ImageReference:
        """Name the same repository's image of that digest."""
        return ImageReference(registry=self.registry, repository=self.repository, digest=digest)


def _split(name: str) -> tuple[str, str]:
    """Tell the registry from the repository: a registry has a dot, a port or capitals, or is ``localhost``."""
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or any(sign in first for sign in ".:[") or first != first.lower()):
        return (DOCKER_HUB, _official(rest)) if first.lower() in (DOCKER_HUB, f"index.{DOCKER_HUB}") else (first, rest)
    return DOCKER_HUB, _official(name)


def _official(repository: str) -> str:
    return repository if "/" in repository else f"library/{repository}"


def _is_registry(text: str) -> bool:
    match = _REGISTRY.fullmatch(text)
    if match is None or int(match["port"] or 0) > 65535:
        return False
    try:
        return match["address"] is None or bool(IPv6Address(match["address"]))
    except ValueError:
        return False


def _check(text: str, registry: str, repository: str) -> None:
    if not _is_registry(registry):
        raise InvalidImageReferenceError(text, "a registry is a host name or address, with a port or without")
    if len(registry) + len(repository) >= _LONGEST:
        raise InvalidImageReferenceError(text, f"registry and repository have more than {_LONGEST} characters")
    if _REPOSITORY.fullmatch(repository) is None:
        reason = (
            "a repository has parts of lower-case letters and digits, with '.', '_', '__' or '-' only between them, "
            "and '/' between the parts"
        )
        raise InvalidImageReferenceError(text, reason)
    if _IDENTIFIER.fullmatch(repository.removeprefix("library/")) is not None:
        raise InvalidImageReferenceError(text, "64 hexadecimal digits alone are a digest; write NAME@sha256:DIGEST")
