"""The configuration of an OCI image: what its containers run, as whom, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelyard.images.image import ImageVersion
from modelyard.images.layers import Layer
from modelyard.images.oci.documents import ContainerConfig, Healthcheck, History, ImageConfig, RootFs

USER = "65532:65532"
PORT = 8080
KEYS = "/run/secrets/keys.json"

BUILT_BY = "modelyard: "
"""What the history of an image says of our layers, before their names."""
_LONG_AGO = "1970-01-01T00:00:00Z"
"""When every image was made: the moment is no part of what it is."""
_SETTING = "MODELYARD_SCORING_"
_SECOND = 1_000_000_000
_PYTHON_PATH = "/opt/modelyard/server:/opt/modelyard/dependencies"


def configuration(
    base: ImageConfig, image: ImageVersion, platform: str, layers: Sequence[tuple[str, Layer]]
) -> ImageConfig:
    """Say what containers of an image run; `layers` are those above the base, with their names."""
    inherited = base.config or ContainerConfig()
    own = ContainerConfig(
        user=USER,
        exposed_ports={f"{PORT}/tcp": {}},
        env=tuple(f"{name}={value}" for name, value in _environment(inherited, image).items()),
        entrypoint=("python3", "-m", "modelyard_scoring"),
        cmd=("/model",),
        working_dir="/tmp",  # noqa: S108 - in the container, whose own it is
        labels={**(inherited.labels or {}), **labels(image)},
        stop_signal="SIGTERM",
        healthcheck=Healthcheck(
            test=("CMD", "python3", "-m", "modelyard_scoring.health"),
            interval=10 * _SECOND,
            timeout=3 * _SECOND,
            start_period=30 * _SECOND,
            retries=3,
        ),
    )
    system, _, architecture = platform.partition("/")
    history = [History(created=_LONG_AGO, created_by=f"{BUILT_BY}{name}") for name, _ in layers]
    below = [History(created=_LONG_AGO, created_by="base") for _ in base.rootfs.diff_ids]
    return ImageConfig(
        architecture=architecture,
        os=system,
        variant=base.variant,
        created=_LONG_AGO,
        config=own,
        rootfs=RootFs(type="layers", diff_ids=(*base.rootfs.diff_ids, *(layer.diff_id for _, layer in layers))),
        history=(*below, *history),
    )


def labels(image: ImageVersion) -> dict[str, str]:
    """Say of what an image is made, by the names of the OCI and by our own."""
    models = image.spec.models
    said = {
        "org.opencontainers.image.title": image.spec.name,
        "org.opencontainers.image.revision": next((model.commit for model in models if model.commit), ""),
        "modelyard.image.spec": image.digest,
        "modelyard.image.models": " ".join(f"{model}@sha256:{model.tree}" for model in models),
        "modelyard.image.runs": " ".join(model.run_id for model in models if model.run_id),
        "modelyard.image.resources": msgspec.json.encode(image.spec.resources, order="sorted").decode(),
    }
    return {name: value for name, value in said.items() if value}


def _environment(base: ContainerConfig, image: ImageVersion) -> dict[str, str]:
    """Give what the base sets, what the image asks for, and what the server needs, which wins."""
    inherited = dict(pair.split("=", 1) for pair in base.env or () if not pair.startswith(("PYTHONPATH=", "HOME=")))
    settings = {
        "HOST": "0.0.0.0",  # noqa: S104 - in the container; what is published is the target's affair
        "PORT": str(PORT),
        "WORKERS": str(image.spec.resources.workers),
        "IMAGE": image.digest,
        "KEYS_FILE": KEYS,
    }
    return {
        **inherited,
        "ORT_DISABLE_TELEMETRY": "1",
        **{variable.name: variable.value for variable in image.spec.variables},
        "PYTHONPATH": _PYTHON_PATH,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/tmp",  # noqa: S108 - in the container, whose own it is
        **{f"{_SETTING}{name}": value for name, value in settings.items()},
    }
