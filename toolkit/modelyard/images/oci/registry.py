"""Images to and from registries.

The protocol is that of https://github.com/opencontainers/distribution-spec (1.1), as far as distribution 2.8 speaks it
too. Bytes pass in constant memory; what both sides have is not sent; digests are checked where bytes arrive.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from types import TracebackType
from typing import Self

from modelyard.images.oci.connection import Connection, is_plain
from modelyard.images.oci.contents import choose, contents, find_kept, find_whole, gather, read_kept
from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import Descriptor, Index
from modelyard.images.oci.download import Download
from modelyard.images.oci.errors import InvalidDocumentError, InvalidImageReferenceError
from modelyard.images.oci.manifests import Manifests
from modelyard.images.oci.patience import Patience
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.progress import Progress, unseen
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.referrers import Referrers
from modelyard.images.oci.side_by_side import Stop, side_by_side
from modelyard.images.oci.upload import Upload
from modelyard.store.blobs import BlobFolder

_PATIENT = Patience()


class Registry:
    """The registries that image references name; to be closed after use.

    Parameters
    ----------
    credentials
        Where the credentials of a registry are found.
    insecure
        Registries, as references name them, that may be spoken to over plain HTTP; this machine's own addresses always
        are.
    patience
        How often what fails on the way is tried.
    """

    def __init__(
        self, credentials: Credentials, *, insecure: Collection[str] = (), patience: Patience = _PATIENT
    ) -> None:
        self._credentials = credentials
        self._insecure = frozenset(insecure)
        self._patience = patience
        self._connections: dict[str, Connection] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()

    def resolve(self, reference: ImageReference, blobs: BlobFolder) -> Descriptor:
        """Say what a reference refers to now; the manifest or index itself is kept.

        Raises
        ------
        RegistryError
            If there is no such image, or the registry cannot be asked.
        """
        return _fetch(Manifests(self._connect(reference.registry), reference), reference.target, blobs)

    def pull(
        self,
        reference: ImageReference,
        blobs: BlobFolder,
        *,
        platform: Platform | None = None,
        progress: Progress = unseen,
    ) -> Descriptor:
        """Fetch an image, and return what describes it.

        What is kept already is not fetched; for an image that is named by its digest and kept whole, nobody is asked.

        Parameters
        ----------
        platform
            Of an index, which image to fetch; without it, all of them. An image by itself is taken as it is.

        Raises
        ------
        RegistryError
            If the registry does not give the image; each reason has its own error.
        PlatformNotFoundError
            If there is none for `platform`.
        StorageFullError
            If there is no room for it here.
        """
        kept = find_whole(reference, blobs, platform)
        if kept is not None:
            return kept
        connection, stop = self._connect(reference.registry), Stop()
        manifests = Manifests(connection, reference)
        top = _choose(manifests, reference, blobs, platform)
        gather(top, blobs, lambda one: _fetch(manifests, one.digest, blobs))
        download = Download(connection, reference, blobs, progress, stop)
        side_by_side(download.fetch, [one for one in contents(top, blobs) if not one.is_manifest], stop)
        return top

    def push(
        self,
        descriptor: Descriptor,
        blobs: BlobFolder,
        reference: ImageReference,
        *,
        attached: Collection[Descriptor] = (),
        mount_from: ImageReference | None = None,
        progress: Progress = unseen,
    ) -> str:
        """Send an image and what is attached to it, and return its digest; the tag is set last.

        Parameters
        ----------
        attached
            Manifests whose `subject` is the image, or one of the images of an index.
        mount_from
            Where the base comes from: what that repository has of the image need not be sent, if it is on the same
            registry.

        Raises
        ------
        RegistryError
            If the registry does not take the image; each reason has its own error.
        MissingBlobError, DigestMismatchError
            If something of it is not kept here, or is damaged.
        """
        if reference.digest not in {"", descriptor.digest}:
            raise InvalidImageReferenceError(str(reference), f"what is pushed has the digest {descriptor.digest}")
        subjects = {one.digest: _subject(one, blobs) for one in attached}
        connection, stop = self._connect(reference.registry), Stop()
        near = mount_from is not None and mount_from.registry == reference.registry
        upload = Upload(
            connection,
            reference,
            blobs,
            mount_from=mount_from.repository if near and mount_from else "",
            progress=progress,
            stop=stop,
        )
        parts = {one.digest: one for top in (descriptor, *attached) for one in contents(top, blobs)}
        side_by_side(upload.send, [one for one in parts.values() if not one.is_manifest], stop)
        manifests = Manifests(connection, reference, upload.scope)
        for one in contents(descriptor, blobs):
            if one.is_manifest and (one.digest != descriptor.digest or attached or not reference.tag):
                manifests.send(one, blobs)
        referrers = Referrers(connection, reference, upload.scope)
        for one in (part for artifact in attached for part in contents(artifact, blobs) if part.is_manifest):
            if "oci-subject" not in manifests.send(one, blobs).headers and one.digest in subjects:
                referrers.note(subjects[one.digest], one, read_kept(one, blobs))
        if reference.tag:
            manifests.send(descriptor, blobs, reference.tag)
        return descriptor.digest

    def attached(self, reference: ImageReference, digest: str) -> tuple[Descriptor, ...]:
        """List what is attached to an image of the repository of `reference`.

        Raises
        ------
        RegistryError
            If the registry cannot be asked.
        """
        return Referrers(self._connect(reference.registry), reference).list(digest)

    def _connect(self, registry: str) -> Connection:
        with self._lock:
            if registry not in self._connections:
                self._connections[registry] = Connection(
                    registry,
                    self._credentials.find(registry),
                    plain=registry in self._insecure or is_plain(registry),
                    patience=self._patience,
                )
            return self._connections[registry]


def _choose(
    manifests: Manifests, reference: ImageReference, blobs: BlobFolder, platform: Platform | None
) -> Descriptor:
    """Fetch the manifest that a reference refers to, or of an index the one for `platform`."""
    top = _fetch(manifests, reference.target, blobs)
    document = read_kept(top, blobs)
    if platform is None or not isinstance(document, Index):
        return top
    chosen = choose(document.manifests, platform, str(reference))
    _fetch(manifests, chosen.digest, blobs)
    return chosen


def _fetch(manifests: Manifests, target: str, blobs: BlobFolder) -> Descriptor:
    kept = find_kept(target, blobs) if ":" in target else None
    if kept is not None:
        return kept
    descriptor, data = manifests.get(target)
    blobs.put(data)
    return descriptor


def _subject(artifact: Descriptor, blobs: BlobFolder) -> str:
    """Say to which image a manifest is attached."""
    subject = read_kept(artifact, blobs).subject
    if subject is None:
        raise InvalidDocumentError(f"The manifest {artifact.digest}", "it is attached to nothing: no subject")
    return subject.digest
