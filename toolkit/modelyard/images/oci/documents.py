"""The documents of an OCI image: descriptors, manifests, indexes, configurations.

What others wrote is read here and kept as it came, byte for byte: digests depend on fields that we do not know. What
we write is canonical, with sorted keys and no spaces, so that the same image has the same digest everywhere.

The formats are those of the OCI image specification 1.1; Docker's own, from which they come, are read too.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal, Self, TypeVar

import msgspec
from msgspec import Struct, field

from modelyard.images.oci.errors import InvalidDocumentError
from modelyard.images.oci.platforms import Platform

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

MANIFESTS = frozenset({MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({INDEX, DOCKER_INDEX})

REF_NAME = "org.opencontainers.image.ref.name"
"""The annotation that names an image of a layout: its tag."""

LARGEST = 4 << 20
"""Bytes that a manifest, index or configuration may have, as in the distribution specification."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")

T = TypeVar("T")


def check_digest(digest: str) -> str:
    """Return `digest`, written as OCI documents have it.

    Raises
    ------
    InvalidDocumentError
        If it is not ``sha256:`` and 64 lower-case hexadecimal digits.
    """
    if _DIGEST.fullmatch(digest) is None:
        raise InvalidDocumentError(f"The digest {digest[:90]!r}", "only sha256 with 64 lower-case digits is known")
    return digest


class Descriptor(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What refers to content: its kind, its digest (``sha256:…``) and its size in bytes."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    artifact_type: str = ""
    annotations: dict[str, str] | None = None

    def __post_init__(self) -> None:
        check_digest(self.digest)
        if _MEDIA_TYPE.fullmatch(self.media_type) is None:
            raise InvalidDocumentError(f"The media type {self.media_type[:80]!r}", "it is not TYPE/SUBTYPE")
        if not 0 <= self.size < 1 << 53:
            raise InvalidDocumentError(f"The descriptor of {self.digest}", f"it says a size of {self.size}")

    @classmethod
    def of(cls, data: bytes, media_type: str, platform: Platform | None = None) -> Self:
        """Describe bytes."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return cls(media_type=media_type, digest=digest, size=len(data), platform=platform)

    @property
    def sha256(self) -> str:
        """The digest as the blob store has it: 64 hexadecimal digits."""
        return self.digest.removeprefix("sha256:")

    @property
    def is_manifest(self) -> bool:
        """Whether this is a manifest or an index, which registries keep apart from blobs."""
        return self.media_type in MANIFESTS or self.media_type in INDEXES


class Manifest(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One image, or an artifact that is attached to one (then `subject` is that one)."""

    schema_version: Literal[2]
    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None

    @property
    def parts(self) -> tuple[Descriptor, ...]:
        """What the manifest refers to and cannot be without."""
        return (self.config, *self.layers)

    @property
    def kind(self) -> str:
        """What kind of artifact it is, as lists of attached artifacts say it."""
        return self.artifact_type or self.config.media_type


class Index(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Several manifests under one digest, one for each platform."""

    schema_version: Literal[2]
    manifests: tuple[Descriptor, ...]
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None

    @property
    def parts(self) -> tuple[Descriptor, ...]:
        """What the index refers to."""
        return self.manifests

    @property
    def kind(self) -> str:
        """What kind of artifact it is, as lists of attached artifacts say it."""
        return self.artifact_type


class Healthcheck(Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """How an engine finds out whether a container works; times are in nanoseconds."""

    test: tuple[str, ...] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0


class ContainerConfig(Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """What a container of an image runs, unless told otherwise."""

    user: str = ""
    exposed_ports: dict[str, dict[str, str]] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: dict[str, dict[str, str]] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None


class RootFs(Struct, frozen=True, kw_only=True):
    """The layers of an image by the digests of their uncompressed content, the base first."""

    type: Literal["layers"]
    diff_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        for digest in self.diff_ids:
            check_digest(digest)


class History(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a layer comes from."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration of an image: for which platform it is, what it runs, of which layers it is."""

    architecture: str
    os: str
    rootfs: RootFs
    variant: str = ""
    os_version: str = field(default="", name="os.version")
    created: str = ""
    author: str = ""
    config: ContainerConfig | None = None
    history: tuple[History, ...] | None = None

    @property
    def platform(self) -> Platform:
        """The kind of machine it runs on."""
        return Platform(architecture=self.architecture, os=self.os, variant=self.variant)


def encode(document: Struct) -> bytes:
    """Write a document as it is hashed: keys sorted, no spaces."""
    return msgspec.json.encode(document, order="sorted")


def decode(data: bytes, kind: type[T], what: str) -> T:
    """Read a document; fields that are not known are passed over.

    Raises
    ------
    InvalidDocumentError
        If it is too large, no JSON, or not of that kind; `what` names it in the text.
    """
    if len(data) > LARGEST:
        raise InvalidDocumentError(what, f"it has {len(data)} bytes, more than {LARGEST}")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocumentError(what, str(error)) from None


class _Shape(Struct, frozen=True, rename="camel"):
    """What tells a manifest from an index, and what is neither."""

    schema_version: Any = None
    media_type: str = ""
    manifests: Any = None
    layers: Any = None
    config: Any = None


def media_type_of(data: bytes, what: str) -> str:
    """Say what a manifest or index is by what stands in it.

    Raises
    ------
    InvalidDocumentError
        If it is neither, or could be taken for both.
    """
    shape = decode(data, _Shape, what)
    if shape.schema_version == 1:
        raise InvalidDocumentError(what, "it has Docker's first form (schema 1), which nobody writes any more")
    is_index, is_manifest = shape.manifests is not None, shape.layers is not None or shape.config is not None
    if is_index == is_manifest:
        reason = "it is both a manifest and an index" if is_index else "it is neither a manifest nor an index"
        raise InvalidDocumentError(what, reason)
    known = INDEXES if is_index else MANIFESTS
    if shape.media_type and shape.media_type not in known:
        raise InvalidDocumentError(what, f"it calls itself {shape.media_type[:100]!r} and is something else")
    return shape.media_type or (INDEX if is_index else MANIFEST)


def read_manifest(data: bytes, media_type: str, what: str) -> Manifest | Index:
    """Read a manifest or an index that was announced as `media_type`.

    Raises
    ------
    InvalidDocumentError
        If it is something else than announced: what one reader takes for an image, another must not take for an index.
    """
    found = media_type_of(data, what)
    if found != media_type:
        raise InvalidDocumentError(what, f"it was announced as {media_type[:100]!r} and is {found}")
    kind: type[Manifest | Index] = Index if found in INDEXES else Manifest
    return decode(data, kind, what)
