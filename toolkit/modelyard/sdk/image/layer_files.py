"""The files of a layer, read out of the archive that it is."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from modelyard.images.dependencies import PLACE
from modelyard.images.layers import Layer
from modelyard.images.oci.documents import LAYER_GZIP, LAYER_ZSTD
from modelyard.store.blobs import BlobFolder


@contextmanager
def opened_layer(sha256: str, media_type: str, blobs: BlobFolder) -> Iterator[IO[bytes]]:
    """Read a layer as the archive that it is."""
    with blobs.open(sha256) as file:
        if media_type == LAYER_ZSTD:
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(file) as stream:
                yield cast("IO[bytes]", stream)
        elif media_type == LAYER_GZIP:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield file


def unpack_packages(layer: Layer, blobs: BlobFolder, folder: Path) -> None:
    """Write the packages of a layer below `folder`; what their archive says of other places is not followed.

    Raises
    ------
    tarfile.FilterError
        If a file would lie outside of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (
        opened_layer(layer.digest.removeprefix("sha256:"), layer.media_type, blobs) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            if member.name.startswith(f"{PLACE}/"):
                inside = member.replace(name=member.name.removeprefix(f"{PLACE}/"), deep=False)
                archive.extract(inside, folder, filter="data")
