"""Manifests and indexes to and from a registry, byte for byte."""

from __future__ import annotations

import hashlib

import httpx

from modelyard.images.oci.connection import Call, Connection
from modelyard.images.oci.documents import INDEXES, LARGEST, MANIFESTS, Descriptor, media_type_of
from modelyard.images.oci.errors import InvalidDocumentError, WrongContentError
from modelyard.images.oci.reference import ImageReference
from modelyard.store.blobs import BlobFolder

_ACCEPTED = ", ".join(sorted(MANIFESTS | INDEXES))


class Manifests:
    """The manifests of the repository of `reference`."""

    def __init__(self, connection: Connection, reference: ImageReference, scope: tuple[str, ...] = ()) -> None:
        self._connection = connection
        self._reference = reference
        self._scope = scope or (f"repository:{reference.repository}:pull",)

    def get(self, target: str) -> tuple[Descriptor, bytes]:
        """Fetch the manifest or index with that tag or digest.

        Raises
        ------
        UnknownImageError
            If there is none.
        WrongContentError
            If it is not what the digest promises.
        InvalidDocumentError
            If it is neither a manifest nor an index, or not what the registry announces.
        """
        call = self._call("GET", target, {200}).carrying(None, {"accept": _ACCEPTED})
        response, data = self._connection.call(call)
        what = f"The manifest {self._reference.registry}/{self._reference.repository} {target}"
        if len(data) > LARGEST:
            raise InvalidDocumentError(what, f"it has more than {LARGEST} bytes")
        announced = response.headers.get("content-type", "").partition(";")[0].strip()
        actual = f"sha256:{hashlib.sha256(data).hexdigest()}"
        promised = target if ":" in target else response.headers.get("docker-content-digest", actual)
        if promised != actual:
            raise WrongContentError(self._connection.registry, promised, f"what it sent is {actual}")
        media_type = media_type_of(data, what)
        if announced in MANIFESTS | INDEXES and announced != media_type:
            raise InvalidDocumentError(what, f"it was announced as {announced} and is {media_type}")
        return Descriptor.of(data, media_type), data

    def put(self, target: str, media_type: str, data: bytes) -> httpx.Response:
        """Send a manifest or index, under a tag or its digest.

        Raises
        ------
        RegistryError
            If the registry does not take it.
        """
        call = self._call("PUT", target, {201}).carrying(data, {"content-type": media_type})
        response, _ = self._connection.call(call)
        actual = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if (kept := response.headers.get("docker-content-digest", actual)) != actual:
            raise WrongContentError(self._connection.registry, actual, f"it kept the manifest as {kept[:90]}")
        return response

    def send(self, descriptor: Descriptor, blobs: BlobFolder, tag: str = "") -> httpx.Response:
        """Send a manifest or index that is kept, under its digest or a tag."""
        return self.put(tag or descriptor.digest, descriptor.media_type, blobs.read(descriptor.sha256))

    def _call(self, method: str, target: str, expected: set[int]) -> Call:
        where = f"{self._reference.registry}/{self._reference.repository}"
        return Call(
            method=method,
            target=f"{self._reference.repository}/manifests/{target}",
            image=f"{where}{'@' if ':' in target else ':'}{target}",
            scope=self._scope,
            expected=frozenset(expected),
        )
