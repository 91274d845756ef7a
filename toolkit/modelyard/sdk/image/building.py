"""What is built from an image: OCI images for its platforms, what is attached to them, and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from modelyard.environments.installer import Installer
from modelyard.environments.lock import Lock
from modelyard.environments.progress import Progress, silent
from modelyard.environments.uv_program import Uv
from modelyard.environments.wheelhouse import Wheelhouse
from modelyard.errors import InvalidValueError
from modelyard.images.artifacts import BILL, Document, attach, specification
from modelyard.images.build import Builder, Built
from modelyard.images.debian.system import System
from modelyard.images.image import ImageVersion
from modelyard.images.layers import Compression
from modelyard.images.oci.contents import keep_document
from modelyard.images.oci.documents import INDEX, Descriptor, ImageConfig, Index, Manifest, decode
from modelyard.images.oci.layout import write_archive, write_layout
from modelyard.images.oci.progress import Progress as Sent
from modelyard.images.oci.progress import unseen
from modelyard.images.oci.reference import ImageReference
from modelyard.images.sbom import BilledImage, BilledModel, bill
from modelyard.sdk.image.cache import image_cache, open_registry
from modelyard.sdk.image.layer_files import unpack_packages
from modelyard.sdk.workspace import Workspace

_TIMEOUT = 1800.0
"""Seconds that fetching the packages of an image may take."""


class Packed(Struct, frozen=True, kw_only=True):
    """An image ready to leave: one OCI image, or an index of several, and what is attached."""

    top: Descriptor
    built: tuple[Built, ...]
    attached: tuple[Descriptor, ...]


class Packing:
    """Builds the OCI images of one image, and sends or writes them."""

    def __init__(
        self,
        workspace: Workspace,
        image: ImageVersion,
        *,
        compression: Literal["gzip", "zstd"] = "gzip",
        say: Progress = silent,
    ) -> None:
        backend, settings = workspace.backend, workspace.settings
        self._image = image
        self._store = backend.blobs
        self.blobs = image_cache(settings)
        wheels = settings.cache.absolute() / "environments" / ".wheels"
        installer = Installer(
            uv=Uv(offline=settings.offline), wheelhouse=Wheelhouse(wheels), progress=say, timeout=_TIMEOUT
        )
        form = Compression() if compression == "gzip" else Compression(kind="zstd", level=3)
        self._builder = Builder(
            self.blobs, backend.trees, backend.blobs, installer=installer, compression=form, say=say
        )

    def build(self, platform: str) -> Built:
        """Build for one platform."""
        return self._builder.build(self._image, platform)

    def base(self, platform: str) -> str:
        """Return the digest of the base image for a platform, all of which is then in `blobs`; empty: there is none."""
        if digest := self._image.spec.part(platform).base:
            self._builder.base(digest)
        return digest

    def packages(self, platform: str, folder: Path) -> bool:
        """Put the packages into `folder` that came along with an OCI image for a platform; say whether one came."""
        if (layer := self._builder.arrived_packages(self._image.digest, platform)) is None:
            return False
        unpack_packages(layer, self.blobs, folder)
        return True

    def pack(self, platforms: Sequence[str] = ()) -> Packed:
        """Build for several platforms, by default all of the image's that are Linux, and attach what belongs."""
        wanted = platforms or [part.platform for part in self._image.spec.parts if part.platform.startswith("linux/")]
        built = tuple(self.build(platform) for platform in wanted)
        top = built[0].manifest if len(built) == 1 else self._index(built)
        bills = [
            attach(
                one.manifest, BILL, [Document(title="bom.json", content=self.bill(one), media_type=BILL)], self.blobs
            )
            for one in built
        ]
        sealed = specification(top, self._image, self._store, self.blobs)
        return Packed(top=top, built=built, attached=(*bills, sealed))

    def bill(self, built: Built) -> bytes:
        """Write the bill of materials of one OCI image (CycloneDX 1.6, JSON)."""
        spec, part = self._image.spec, self._image.spec.part(built.platform)
        manifest = decode(self.blobs.read(part.base), Manifest, "The base image")
        config = decode(self.blobs.read(manifest.config.sha256), ImageConfig, "The configuration of the base image")
        labels = (config.config and config.config.labels) or {}
        return bill(
            BilledImage(name=self._image.name, version=str(self._image.version), digest=built.manifest.digest),
            Lock.from_json(self._store.read(part.lock)),
            server=spec.server[:12],
            models=[BilledModel(name=one.name, version=str(one.version), tree=one.tree) for one in spec.models],
            system=System.find(labels),
        )

    def export(self, path: Path, packed: Packed, form: Literal["archive", "folder"]) -> None:
        """Write what was packed as one archive, which engines load, or as a layout folder.

        Raises
        ------
        InvalidValueError
            If it cannot be written there.
        """
        name = ImageReference.parse(f"modelyard.local/{self._image.name.lower()}:{self._image.version}")
        write = write_layout if form == "folder" else write_archive
        try:
            write(path, packed.top, self.blobs, name, attached=packed.attached)
        except OSError as error:
            raise InvalidValueError(f"path {str(path)!r}", f"it cannot be written ({error.strerror})") from None

    def push(self, reference: ImageReference, packed: Packed, progress: Sent = unseen) -> str:
        """Send what was packed to a registry, and return the digest that it has there."""
        with open_registry() as registry:
            return registry.push(packed.top, self.blobs, reference, attached=packed.attached, progress=progress)

    def _index(self, built: Sequence[Built]) -> Descriptor:
        index = Index(schema_version=2, media_type=INDEX, manifests=tuple(one.manifest for one in built))
        return keep_document(index, INDEX, self.blobs)
