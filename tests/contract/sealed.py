"""Small sealed images, whose blobs are all there."""

from typing import Any

from modelyard.backend.backend import Backend
from modelyard.images.image import ImageVersion, NewImageVersion
from modelyard.images.spec import ImageModel, ImageSpec, PlatformPart


def spec(backend: Backend, name: str, *models: str, **fields: Any) -> ImageSpec:
    """Say what an image of registered models is, each ``NAME:VERSION``."""
    found = [backend.models.get(model) for model in models]
    lock = backend.blobs.put(b'{"a":"lock"}')
    given = {
        "name": name,
        "models": tuple(ImageModel(name=one.name, version=one.version, tree=one.tree, file="m.onnx") for one in found),
        "server": found[0].tree,
        "parts": (PlatformPart(platform="linux/amd64", lock=lock),),
    }
    return ImageSpec(**{**given, **fields})


def seal(backend: Backend, name: str, *models: str, **fields: Any) -> ImageVersion:
    """Register such an image."""
    return backend.images.register(
        name, NewImageVersion(spec=backend.blobs.put(spec(backend, name, *models, **fields).canonical))
    )
