"""What can be made of an image: what a server reads, OCI images, bills of materials; and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from modelyard.environments.lock import Lock
from modelyard.environments.progress import Progress, silent
from modelyard.images.folder import ModelFolder
from modelyard.images.image import ImageVersion
from modelyard.images.oci.documents import Manifest
from modelyard.images.oci.progress import Progress as Sent
from modelyard.images.oci.progress import unseen
from modelyard.images.oci.reference import ImageReference
from modelyard.images.spec import running_image_platform
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Tree

if TYPE_CHECKING:
    from modelyard.images.build import Built
    from modelyard.sdk.image.building import Packing

Compressed = Literal["gzip", "zstd"]


class ImageExports:
    """The part of `Image` that leaves the workspace."""

    workspace: Workspace
    info: ImageVersion

    def lock(self, platform: str | None = None) -> Lock:
        """Return the lock of its environment for a platform, by default this machine's.

        Raises
        ------
        InvalidImageError
            If it was not made for that platform.
        """
        part = self.info.spec.part(platform or running_image_platform())
        return Lock.from_json(self.workspace.backend.blobs.read(part.lock))

    def folder(self) -> ModelFolder:
        """Return what it serves, to be written where a scoring server reads it."""
        backend = self.workspace.backend
        return ModelFolder(self.info.spec, backend.trees, backend.blobs)

    def build(
        self, platform: str = "linux/amd64", *, compression: Compressed = "gzip", say: Progress = silent
    ) -> Built:
        """Build the OCI image for a platform, without an engine; layers that are there already are not written again.

        Parameters
        ----------
        compression
            ``zstd`` is smaller and quicker; registries take it, and engines from containerd 1.5 and Docker 23 on.

        Raises
        ------
        NoBaseError
            If it was created without a base image.
        InstallError
            If a package cannot be had.
        DigestMismatchError
            If a file in the workspace is not what the specification says.
        """
        return self._packing(compression, say).build(platform)

    def export(
        self,
        path: str | Path,
        *,
        form: Literal["archive", "folder"] = "archive",
        platforms: Sequence[str] = (),
        compression: Compressed = "gzip",
        say: Progress = silent,
    ) -> str:
        """Write the OCI image as a file that ``docker load`` takes, or as an OCI layout; return its digest.

        All that the image is goes with it: its specification and its bill of materials are attached, so that
        `Image.load` has it again in another workspace, without a network.

        Parameters
        ----------
        platforms
            By default all that the image was created for; several become one index.
        """
        packing = self._packing(compression, say)
        packed = packing.pack(platforms)
        packing.export(Path(path), packed, form)
        return packed.top.digest

    def push(
        self,
        reference: str,
        *,
        platforms: Sequence[str] = (),
        compression: Compressed = "gzip",
        say: Progress = silent,
        sent: Sent = unseen,
    ) -> str:
        """Send the OCI image and what is attached to it to a registry, and return the digest that it has there.

        Parameters
        ----------
        reference
            Such as ``registry.example/team/digits:3``; credentials are those of ``docker login``.

        Raises
        ------
        InvalidImageReferenceError
            If `reference` has another form.
        RegistryError
            If the registry does not take it; each reason has its own error.
        """
        wanted = ImageReference.parse(reference)
        packing = self._packing(compression, say)
        return packing.push(wanted, packing.pack(platforms), sent)

    def sbom(self, platform: str = "linux/amd64", *, say: Progress = silent) -> bytes:
        """Return the bill of materials of the OCI image for a platform: CycloneDX 1.6, JSON."""
        packing = self._packing("gzip", say)
        return packing.bill(packing.build(platform))

    def verify(self) -> int:
        """Read everything that the image is made of, check every digest, and return how many blobs that are.

        Raises
        ------
        MissingBlobError
            If something is not in the workspace.
        DigestMismatchError
            If something has other bytes; the text names it.
        """
        blobs = self.workspace.backend.blobs
        wanted = set(self._everything())
        for digest in wanted:
            blobs.read(digest)
        return len(wanted)

    def _packing(self, compression: Compressed, say: Progress) -> Packing:
        from modelyard.sdk.image.building import Packing  # which loads what speaks to registries

        return Packing(self.workspace, self.info, compression=compression, say=say)

    def _everything(self) -> Iterator[str]:
        """List the digests of all that the image is made of; what is listed in what is read on the way."""
        blobs, spec = self.workspace.backend.blobs, self.info.spec
        yield from spec.blobs
        trees = [spec.server, *(model.tree for model in spec.models), *([spec.code.tree] if spec.code else [])]
        for digest in trees:
            yield from (entry.sha256 for entry in Tree.decode(blobs.read(digest), digest).files.values())
        for part in spec.parts:
            if part.base:
                yield part.base
                manifest = msgspec.json.decode(blobs.read(part.base), type=Manifest)
                yield from (one.sha256 for one in manifest.parts)
