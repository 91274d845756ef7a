"""What the configuration of an OCI image says: a pure function of the specification, the base and the layers."""

import datetime as dt
from typing import Any

from modelyard.environments.contents import Variable
from modelyard.images.configuration import configuration, labels
from modelyard.images.image import ImageVersion
from modelyard.images.layers import Layer
from modelyard.images.oci.documents import ContainerConfig, ImageConfig, RootFs, encode
from modelyard.images.spec import ImageModel, ImageSpec, PlatformPart, Resources

A, B = "a" * 64, "b" * 64
BASE = ImageConfig(
    architecture="amd64",
    os="linux",
    rootfs=RootFs(type="layers", diff_ids=(f"sha256:{A}",)),
    created="2026-01-01T00:00:00Z",
    config=ContainerConfig(
        user="root",
        env=("PATH=/usr/bin", "PYTHONPATH=/evil", "HOME=/root", "LANG=C.UTF-8"),
        entrypoint=("sh",),
        labels={"modelyard.base.distribution": "debian-12"},
    ),
)
LAYER = Layer(diff_id=f"sha256:{B}", digest=f"sha256:{B}", size=1, media_type="application/vnd.oci.image.layer.v1.tar")


def _image(**fields: Any) -> ImageVersion:
    model = ImageModel(name="digits", version=3, tree=A, file="m.onnx", run_id="run-7", commit="c" * 40)
    parts = (PlatformPart(platform="linux/amd64", lock=B, base=A),)
    spec = ImageSpec(**{"name": "digits", "models": (model,), "server": A, "parts": parts, **fields})
    return ImageVersion(name="digits", version=1, digest=spec.digest, spec=spec, created=dt.datetime.now(dt.UTC))


def _environment(image: ImageVersion) -> dict[str, str]:
    found = configuration(BASE, image, "linux/amd64", [("code", LAYER)]).config
    assert found is not None
    return dict(pair.split("=", 1) for pair in found.env or ())


def test_containers_run_the_server_as_an_ordinary_user() -> None:
    found = configuration(BASE, _image(), "linux/amd64", [("code", LAYER)])
    assert found.config is not None
    assert found.config.user == "65532:65532"
    assert found.config.entrypoint == ("python3", "-m", "modelyard_scoring")
    assert found.rootfs.diff_ids == (f"sha256:{A}", f"sha256:{B}")
    assert [one.created_by for one in found.history or ()] == ["base", "modelyard: code"]
    assert found.config.healthcheck is not None


def test_what_the_server_needs_wins_over_the_base_and_over_what_is_asked_for() -> None:
    variables = (Variable(name="MODE", value="fast"), Variable(name="PYTHONPATH", value="/mine"))
    found = _environment(_image(variables=variables, resources=Resources(workers=4)))
    assert (found["PATH"], found["LANG"], found["MODE"]) == ("/usr/bin", "C.UTF-8", "fast")
    assert found["PYTHONPATH"] == "/opt/modelyard/server:/opt/modelyard/dependencies"
    assert (found["HOME"], found["MODELYARD_SCORING_WORKERS"]) == ("/tmp", "4")


def test_a_variable_stays_one_whatever_is_in_it() -> None:
    found = _environment(_image(variables=(Variable(name="MODE", value="a=b\nUSER=root $(id) 'x'"),)))
    assert found["MODE"] == "a=b\nUSER=root $(id) 'x'"
    assert "USER" not in found


def test_labels_say_of_what_the_image_is_made() -> None:
    image = _image()
    found = labels(image)
    assert found["modelyard.image.spec"] == image.digest
    assert found["modelyard.image.models"] == f"digits:3@sha256:{A}"
    assert (found["modelyard.image.runs"], found["org.opencontainers.image.revision"]) == ("run-7", "c" * 40)
    built = configuration(BASE, image, "linux/amd64", []).config
    assert built is not None
    assert built.labels is not None
    assert built.labels["modelyard.base.distribution"] == "debian-12"


def test_neither_the_moment_nor_the_version_number_is_part_of_it() -> None:
    first, later = _image(), _image()
    later = ImageVersion(
        name="digits", version=9, digest=later.digest, spec=later.spec, created=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    )
    made = [encode(configuration(BASE, one, "linux/amd64", [("code", LAYER)])) for one in (first, later)]
    assert made[0] == made[1]
    assert b"2026" not in made[0]
