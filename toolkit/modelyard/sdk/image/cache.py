"""Where OCI images are kept on this machine, and how registries are reached from it."""

from __future__ import annotations

import os

from modelyard.images.oci.credentials import Credentials, docker_config
from modelyard.images.oci.registry import Registry
from modelyard.settings import Settings
from modelyard.store.blobs import BlobFolder


def image_cache(settings: Settings) -> BlobFolder:
    """Open the folder of layers, base images and everything else that OCI images are made of; it may be deleted."""
    return BlobFolder(settings.cache.absolute() / "oci")


def open_registry() -> Registry:
    """Reach registries with the credentials that ``docker login`` has kept."""
    return Registry(Credentials(docker_config(os.environ)))
