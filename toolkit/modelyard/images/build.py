"""From a sealed specification to an OCI image, without an engine, a Dockerfile or root.

The layers, the base first: dependencies, server, each model, code. Each is a function of a few digests, and is kept
under the digest of these (its key), so that what has not changed is neither written nor compressed again. What the
manifest says is a pure function of the specification, the base and the layers: the same specification gives the same
image, in whatever folder, at whatever time, whoever builds it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.environments.errors import InstallError
from modelyard.environments.installer import Installer
from modelyard.environments.lock import Lock
from modelyard.environments.progress import Progress, silent
from modelyard.images.configuration import BUILT_BY, configuration
from modelyard.images.dependencies import installed_entries
from modelyard.images.errors import NoBaseError
from modelyard.images.folder import CODE, DOCUMENT, ModelFolder
from modelyard.images.image import ImageVersion
from modelyard.images.layers import Compression, Layer, LayerEntry, tree_entries, write_layer
from modelyard.images.oci.contents import keep_document
from modelyard.images.oci.documents import CONFIG, MANIFEST, Descriptor, ImageConfig, Manifest, decode
from modelyard.images.oci.platforms import Platform
from modelyard.store.blobs import BlobFolder, Blobs, temporary_file
from modelyard.store.tree import Tree
from modelyard.store.trees import Trees

FORM = 1
"""Counts the changes in how layers are written: a layer of another form is not taken for one of this."""

SERVER = "opt/modelyard/server"
MODEL_FOLDER = "model"


class NamedLayer(Struct, frozen=True, kw_only=True):
    """A layer and what is in it; `reused` if it was there already."""

    name: str
    layer: Layer
    reused: bool


class Built(Struct, frozen=True, kw_only=True):
    """An OCI image that is kept in the cache.

    Parameters
    ----------
    manifest
        What registries know it by.
    image_id
        The digest of its configuration, which engines know it by; it does not depend on how layers are compressed.
    base
        The layers of the base image.
    """

    platform: str
    manifest: Descriptor
    image_id: str
    base: tuple[Descriptor, ...]
    layers: tuple[NamedLayer, ...]

    @property
    def size(self) -> int:
        """Compressed bytes of all layers."""
        return sum(one.size for one in self.base) + sum(one.layer.size for one in self.layers)

    @property
    def written(self) -> int:
        """Compressed bytes of the layers that were not there before."""
        return sum(one.layer.size for one in self.layers if not one.reused)


class Builder:
    """Builds images into a folder of blobs.

    Parameters
    ----------
    cache
        Where layers are kept with their keys, and everything that an image refers to.
    trees, store
        The workspace's own, where models, code, locks and base images are.
    """

    def __init__(
        self,
        cache: BlobFolder,
        trees: Trees,
        store: Blobs,
        *,
        installer: Installer,
        compression: Compression | None = None,
        say: Progress = silent,
    ) -> None:
        self._cache = cache
        self._trees = trees
        self._store = store
        self._installer = installer
        self._compression = compression or Compression()
        self._say = say

    def build(self, image: ImageVersion, platform: str) -> Built:
        """Build an image for one of its platforms, or find what was built before.

        Where the packages cannot be had, as without a network, an OCI image that came with the image (`note_arrival`)
        is taken as it came.

        Raises
        ------
        InvalidImageError
            If it was not made for that platform.
        NoBaseError
            If it was made without a base image.
        InstallError
            If a package cannot be had.
        DigestMismatchError
            If a file of a model or of the code is not what the specification says; the text names it.
        StorageFullError
            If the disk is full; nothing is left behind.
        """
        part = image.spec.part(platform)
        if not part.base:
            raise NoBaseError(image.id, platform)
        manifest, config = self.base(part.base)
        try:
            layers = self._layers(image, self._lock(part.lock))
        except InstallError:
            if (arrived := _arrived(self._cache, image.digest, platform)) is None:
                raise
            self._say(f"the packages cannot be had: {image.id} is taken as it came")
            return arrived
        document = configuration(config, image, platform, [(one.name, one.layer) for one in layers])
        described = keep_document(document, CONFIG, self._cache)
        own = tuple(
            Descriptor(media_type=one.layer.media_type, digest=one.layer.digest, size=one.layer.size) for one in layers
        )
        built = Manifest(schema_version=2, media_type=MANIFEST, config=described, layers=(*manifest.layers, *own))
        return Built(
            platform=platform,
            manifest=keep_document(built, MANIFEST, self._cache, Platform.parse(platform)),
            image_id=described.digest,
            base=manifest.layers,
            layers=tuple(layers),
        )

    def _layers(self, image: ImageVersion, lock: Lock) -> list[NamedLayer]:
        spec, folder = image.spec, ModelFolder(image.spec, self._trees, self._store)
        layers = [self._dependencies(lock)]
        layers.append(self._tree_layer("server", self._trees.get(spec.server), SERVER))
        for at, tree in folder.models.items():
            layers.append(self._tree_layer(f"model {at.removeprefix('models/')}", tree, f"{MODEL_FOLDER}/{at}"))
        code = folder.code or Tree(entries=())
        document = LayerEntry(path=f"{MODEL_FOLDER}/{DOCUMENT}", source=folder.encoded)
        key = ["code", code.digest, hashlib.sha256(folder.encoded).hexdigest()]
        layers.append(self._layer("code", key, lambda: [document, *self._entries(code, f"{MODEL_FOLDER}/{CODE}")]))
        return layers

    def _dependencies(self, lock: Lock) -> NamedLayer:
        with tempfile.TemporaryDirectory(prefix="modelyard-dependencies-") as name:
            key = ["dependencies", lock.digest]
            return self._layer("dependencies", key, lambda: installed_entries(lock, self._installer, Path(name)))

    def _tree_layer(self, name: str, tree: Tree, at: str) -> NamedLayer:
        return self._layer(name, ["tree", tree.digest, at], lambda: self._entries(tree, at))

    def _entries(self, tree: Tree, at: str) -> Iterable[LayerEntry]:
        return tree_entries(tree, self._here(entry.sha256 for entry in tree.files.values()), at)

    def _layer(self, name: str, key: list[str], entries: Callable[[], Iterable[LayerEntry]]) -> NamedLayer:
        """Find the layer that was made of the same, or write it."""
        what = msgspec.json.encode([FORM, self._compression, key], order="sorted")
        note = self._cache.root / "layers" / f"{hashlib.sha256(what).hexdigest()}.json"
        if note.is_file():
            layer = msgspec.json.decode(note.read_bytes(), type=Layer)
            if not self._cache.missing([layer.digest.removeprefix("sha256:")]):
                return NamedLayer(name=name, layer=layer, reused=True)
        self._say(f"writing the layer {name}")
        layer = write_layer(entries(), self._cache, self._compression)
        note.parent.mkdir(parents=True, exist_ok=True)
        replace_file(note, msgspec.json.encode(layer))
        return NamedLayer(name=name, layer=layer, reused=False)

    def arrived_packages(self, spec: str, platform: str) -> Layer | None:
        """Find the layer of packages that came from elsewhere with the image of that specification."""
        if (came := _arrived(self._cache, spec, platform)) is None:
            return None
        return next((one.layer for one in came.layers if one.name == "dependencies"), None)

    def base(self, digest: str) -> tuple[Manifest, ImageConfig]:
        """Read the base image of that digest, all of which is then in the cache."""
        manifest = decode(self._here([digest]).read(digest), Manifest, f"The base image {digest}")
        self._here(part.sha256 for part in manifest.parts)
        config = self._cache.read(manifest.config.sha256)
        return manifest, decode(config, ImageConfig, f"The configuration of the base image {digest}")

    def _lock(self, digest: str) -> Lock:
        return Lock.from_json(self._store.read(digest))

    def _here(self, digests: Iterable[str]) -> BlobFolder:
        """Bring blobs of the workspace into the cache, unless they are there."""
        self._cache.root.mkdir(parents=True, exist_ok=True)
        for digest in self._cache.missing(dict.fromkeys(digests)):
            with tempfile.TemporaryDirectory(prefix=".fetched-", dir=self._cache.root) as folder:
                self._store.get(digest, file := Path(folder, digest))
                self._cache.put(file)
        return self._cache


def note_arrival(cache: BlobFolder, spec: str, manifest: Descriptor) -> None:
    """Remember that an OCI image came from elsewhere for the specification of that digest."""
    if manifest.platform is not None:
        note = _arrival(cache, spec, str(manifest.platform))
        note.parent.mkdir(parents=True, exist_ok=True)
        replace_file(note, msgspec.json.encode(manifest))


def _arrived(cache: BlobFolder, spec: str, platform: str) -> Built | None:
    note = _arrival(cache, spec, platform)
    if not note.is_file():
        return None
    described = msgspec.json.decode(note.read_bytes(), type=Descriptor)
    manifest = decode(cache.read(described.sha256), Manifest, "The image that came")
    config = decode(cache.read(manifest.config.sha256), ImageConfig, "Its configuration")
    own = [one.created_by.removeprefix(BUILT_BY) for one in config.history or () if one.created_by.startswith(BUILT_BY)]
    below = len(manifest.layers) - len(own)
    made = zip(own, manifest.layers[below:], config.rootfs.diff_ids[below:], strict=True)
    return Built(
        platform=platform,
        manifest=described,
        image_id=manifest.config.digest,
        base=manifest.layers[:below],
        layers=tuple(
            NamedLayer(
                name=name,
                layer=Layer(diff_id=diff_id, digest=one.digest, size=one.size, media_type=one.media_type),
                reused=True,
            )
            for name, one, diff_id in made
        ),
    )


def _arrival(cache: BlobFolder, spec: str, platform: str) -> Path:
    return cache.root / "arrived" / f"{spec}-{platform.replace('/', '-')}.json"


def replace_file(file: Path, content: bytes) -> None:
    """Write a file that is whole whenever somebody reads it."""
    with temporary_file(file.parent) as (opened, part):
        opened.write(content)
        opened.close()
        part.replace(file)
