"""An image as a place for services takes it: as files, or as an OCI image for an engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.environments.progress import Progress, silent
from modelyard.images.oci.documents import MANIFEST, Descriptor, Manifest, decode
from modelyard.images.spec import running_image_platform
from modelyard.sdk.image.exports import ImageExports

if TYPE_CHECKING:
    from modelyard.sdk.image.building import Packing


class ImageContent:
    """What an image serves, to be put where a place needs it.

    Raises
    ------
    MissingBlobError
        If the store lacks something of it.
    DigestMismatchError
        If a listing of files in the store is damaged.
    """

    def __init__(self, image: ImageExports, *, say: Progress = silent) -> None:
        self._image = image
        self._folder = image.folder()
        self._say = say

    def write(self, folder: Path) -> None:
        """Write the model folder, every file's digest checked."""
        self._folder.write(folder)

    def server(self, cache: Path) -> Path:
        """Return a folder below `cache` that holds the image's scoring server and nothing else."""
        return self._folder.server(cache)

    def packages(self, folder: Path) -> bool:
        """Put the packages into `folder` that came along with an image made elsewhere; say whether there are any.

        They are those of this machine's platform, as they lie in the OCI image.
        """
        return self._packing().packages(running_image_platform(), folder)

    def archive(self, file: Path, platform: str) -> str:
        """Build the OCI image for a platform and write it as an archive; return the id that engines know it by.

        Raises
        ------
        NoBaseError
            If the image was created without a base image.
        """
        from modelyard.images.oci.layout import write_archive

        packing = self._packing()
        built = packing.build(platform)
        write_archive(file, built.manifest, packing.blobs)
        return built.image_id

    def base(self, file: Path, platform: str) -> str:
        """Write the base image for a platform as an archive and return its id; empty where the image has none."""
        from modelyard.images.oci.layout import write_archive

        packing = self._packing()
        if not (digest := packing.base(platform)):
            return ""
        content = packing.blobs.read(digest)
        write_archive(file, Descriptor.of(content, MANIFEST), packing.blobs)
        return decode(content, Manifest, f"The base image {digest}").config.digest

    def _packing(self) -> Packing:
        from modelyard.sdk.image.building import Packing  # which loads what speaks to registries

        return Packing(self._image.workspace, self._image.info, say=self._say)
