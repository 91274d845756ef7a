"""The base image that an OCI image stands on: found, checked against the environment, and kept in the workspace."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from msgspec import Struct

from modelyard.environments.progress import Progress
from modelyard.images.debian.slim import make_base
from modelyard.images.errors import InvalidImageError
from modelyard.images.inference import NONE, SLIM
from modelyard.images.oci.base_image import find_base
from modelyard.images.oci.contents import keep_document
from modelyard.images.oci.documents import MANIFEST, ImageConfig, Manifest, decode
from modelyard.sdk.image.cache import image_cache, open_registry
from modelyard.sdk.workspace import Workspace
from modelyard.store.blobs import BlobFolder, Blobs


class KeptBase(Struct, frozen=True, kw_only=True):
    """A base image that the workspace keeps: its manifest's digest (empty: none), and of all it is made of."""

    digest: str = ""
    blobs: tuple[str, ...] = ()


def keep_base(workspace: Workspace, asked: str | None, platform: str, python: str, say: Progress) -> KeptBase:
    """Find a base image for a platform, and keep it in the workspace.

    Parameters
    ----------
    asked
        ``slim``, ``none``, the name of an image in a registry, or the path of an archive; None for ``slim`` where this
        machine has apt, else ``none``.
    python
        The version that the environment is locked for, such as ``3.11``.

    Raises
    ------
    BaseUnavailableError
        If the slim base cannot be made here.
    RegistryError, InvalidArchiveError
        If the image cannot be had.
    InvalidImageError
        If it has another version of Python.
    """
    system, _, architecture = platform.partition("/")
    asked = asked or (SLIM if shutil.which("apt-get") else NONE)
    if asked == NONE or system != "linux":
        return KeptBase()
    blobs = image_cache(workspace.settings)
    say(f"finding the base image {asked} for {platform}")
    if asked == SLIM:
        made = make_base(
            architecture, blobs, cache=workspace.settings.cache.absolute() / "debian", python=python, say=say
        )
        digest = made.digest.removeprefix("sha256:")
    else:
        digest = _found(asked, blobs, architecture)
    manifest = decode(blobs.read(digest), Manifest, f"The base image {asked}")
    _check_python(asked, decode(blobs.read(manifest.config.sha256), ImageConfig, f"The base image {asked}"), python)
    needed = (digest, *(part.sha256 for part in manifest.parts))
    _keep(needed, blobs, workspace.backend.blobs)
    return KeptBase(digest=digest, blobs=needed)


def _found(asked: str, blobs: BlobFolder, architecture: str) -> str:
    """Find a base elsewhere, and write down what it is in the words of the OCI."""
    path = str(Path(asked).absolute()) if Path(asked).exists() else asked
    with open_registry() as registry:
        base = find_base(path, blobs, registry, architecture)
    original = decode(blobs.read(base.manifest.sha256), Manifest, f"The base image {asked}")
    manifest = Manifest(schema_version=2, media_type=MANIFEST, config=original.config, layers=base.layers)
    return keep_document(manifest, MANIFEST, blobs).sha256


def _check_python(asked: str, config: ImageConfig, python: str) -> None:
    """Make sure that the base has the interpreter that the environment is locked for, where it says what it has."""
    environment = dict(pair.split("=", 1) for pair in (config.config and config.config.env) or () if "=" in pair)
    has = environment.get("PYTHON_VERSION", "")
    if has and ".".join(has.split(".")[:2]) != python:
        rule = f"it has Python {has}, and the environment is for {python}: name another base, or that Python"
        raise InvalidImageError("base image", asked, rule)


def _keep(digests: tuple[str, ...], blobs: BlobFolder, store: Blobs) -> None:
    for digest in store.missing(digests):
        with tempfile.TemporaryDirectory(prefix="modelyard-base-") as folder:
            blobs.get(digest, file := Path(folder, digest))
            store.put(file)
