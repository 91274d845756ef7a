"""A revision that is wanted."""

import datetime as dt
from pathlib import Path
from typing import Any

from modelyard.environments.lock import Lock
from modelyard.images.image import ImageVersion
from modelyard.images.spec import ImageModel, ImageSpec, PlatformPart, Resources
from modelyard.services.target import Wanted

DIGEST = "a" * 64


def wanted(workspace: str = "0" * 32, **resources: Any) -> Wanted:
    """Say what is to run, with these resources."""
    spec = ImageSpec(
        name="digits",
        models=(ImageModel(name="digits", version=1, tree=DIGEST, file="model.onnx"),),
        server=DIGEST,
        parts=(PlatformPart(platform="linux/amd64", lock=DIGEST),),
        resources=Resources(**resources),
    )
    made = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    image = ImageVersion(name="digits", version=1, digest=spec.digest, spec=spec, created=made)
    lock = Lock(kind="resolved", platform="x86_64-manylinux_2_28", python="3.11", packages=())
    return Wanted(workspace=workspace, service="digits", revision=1, image=image, lock=lock, place=Path("/place"))
