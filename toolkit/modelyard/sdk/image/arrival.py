"""An image that comes from elsewhere: out of an OCI image with its sealed specification, into a workspace."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from msgspec import structs

from modelyard.environments.progress import Progress
from modelyard.errors import InvalidValueError
from modelyard.images.artifacts import SPECIFICATION, read_specification
from modelyard.images.build import note_arrival
from modelyard.images.image import ImageVersion, NewImageVersion
from modelyard.images.oci.contents import contents
from modelyard.images.oci.documents import MANIFESTS, Descriptor, ImageConfig, Manifest, decode
from modelyard.images.oci.progress import Progress as Sent
from modelyard.images.oci.reading import read_image
from modelyard.images.oci.reference import ImageReference
from modelyard.images.spec import ImageSpec
from modelyard.sdk.image.cache import image_cache, open_registry
from modelyard.sdk.image.layer_files import opened_layer
from modelyard.sdk.workspace import Workspace
from modelyard.store.blobs import BlobFolder, Blobs
from modelyard.store.tree import Tree

_OURS = ("opt/modelyard/server/", "model/models/", "model/code/")
"""Where an OCI image has the files that its specification names."""


def load_image(workspace: Workspace, path: Path, say: Progress) -> ImageVersion:
    """Take in the image of an archive or a layout folder."""
    blobs = image_cache(workspace.settings)
    found = read_image(path, blobs)
    return take_in(workspace, found.image, found.attached, blobs, say)


def pull_image(workspace: Workspace, reference: str, say: Progress, got: Sent) -> ImageVersion:
    """Take in an image of a registry."""
    wanted, blobs = ImageReference.parse(reference), image_cache(workspace.settings)
    with open_registry() as registry:
        top = registry.pull(wanted, blobs, progress=got)
        attached = registry.attached(wanted, top.digest)
        for one in attached:
            registry.pull(wanted.pinned(one.digest), blobs)
    return take_in(workspace, top, attached, blobs, say)


def take_in(
    workspace: Workspace,
    top: Descriptor,
    attached: Iterable[Descriptor],
    blobs: BlobFolder,
    say: Progress,
) -> ImageVersion:
    """Keep in the workspace all that an image is made of, and register it under the name that it has.

    Raises
    ------
    InvalidValueError
        If no specification is attached, or files that it names are not in the layers.
    """
    sealed = next((one for one in attached if one.artifact_type == SPECIFICATION), None)
    if sealed is None:
        raise InvalidValueError(f"image {top.digest}", "no sealed specification is attached: it was not made here")
    spec, _, documents = read_specification(sealed, blobs)
    store = workspace.backend.blobs
    for document in documents:
        store.put(document)
    say("keeping the files of the image")
    wanted = store.missing(set(_files(spec, store)))
    for layer in _layers(top, blobs):
        if wanted:
            wanted -= _kept(layer, wanted, blobs, store)
    if wanted:
        raise InvalidValueError(f"image {top.digest}", f"its layers lack {len(wanted)} files that it names")
    needed = tuple(_base(spec, blobs, store))
    for manifest in _manifests(top, blobs):
        note_arrival(blobs, spec.digest, manifest)
    new = NewImageVersion(spec=store.put(spec.canonical), blobs=needed, foreign=True)
    return workspace.backend.images.register(spec.name, new)


def _files(spec: ImageSpec, store: Blobs) -> Iterator[str]:
    trees = [spec.server, *(model.tree for model in spec.models), *([spec.code.tree] if spec.code else [])]
    for digest in trees:
        yield from (entry.sha256 for entry in Tree.decode(store.read(digest), digest).files.values())


def _layers(top: Descriptor, blobs: BlobFolder) -> Iterator[Descriptor]:
    """List the layers of all platforms, the last first: what is ours lies above the base."""
    for one in _manifests(top, blobs):
        yield from reversed(decode(blobs.read(one.sha256), Manifest, "The image").layers)


def _manifests(top: Descriptor, blobs: BlobFolder) -> Iterator[Descriptor]:
    """List the OCI images, with their platforms."""
    for one in contents(top, blobs):
        if one.media_type in MANIFESTS:
            manifest = decode(blobs.read(one.sha256), Manifest, "The image")
            config = decode(blobs.read(manifest.config.sha256), ImageConfig, "Its configuration")
            yield structs.replace(one, platform=config.platform)


def _kept(layer: Descriptor, wanted: set[str], blobs: BlobFolder, store: Blobs) -> set[str]:
    """Keep the wanted files of a layer; whatever their names say, only what has a wanted digest is kept."""
    found: set[str] = set()
    with (
        opened_layer(layer.sha256, layer.media_type, blobs) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            if not member.isreg() or not member.name.startswith(_OURS):
                continue
            with tempfile.TemporaryDirectory(prefix="modelyard-arrival-") as folder:
                file = Path(folder, "file")
                with cast("IO[bytes]", archive.extractfile(member)) as source, file.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                with file.open("rb") as opened:
                    if hashlib.file_digest(opened, "sha256").hexdigest() in wanted:
                        found.add(store.put(file))
    return found


def _base(spec: ImageSpec, blobs: BlobFolder, store: Blobs) -> Iterator[str]:
    """Keep the base images, and name what they are made of.

    Their manifests are among the documents; the layers are here for the platforms that came along.
    """
    for part in spec.parts:
        if part.base:
            manifest = decode(store.read(part.base), Manifest, "The base image")
            yield part.base
            missing = store.missing(one.sha256 for one in manifest.parts)
            for digest in missing - blobs.missing(missing):
                store.put(blobs.path(digest))
            yield from {one.sha256 for one in manifest.parts} - store.missing(missing)
