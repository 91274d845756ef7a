"""The bill of materials of an image: valid, whole, and the same bytes each time."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from modelyard.environments.lock import Lock, LockedPackage
from modelyard.images.debian.system import DebianPackage, System
from modelyard.images.sbom import BilledImage, BilledModel, bill

IMAGE = BilledImage(name="digits", version="3", digest=f"sha256:{'a' * 64}")
LOCK = Lock(
    kind="resolved",
    platform="x86_64-manylinux_2_28",
    python="3.11",
    packages=(
        LockedPackage(name="numpy", version="2.4.6", hashes=(f"sha256:{'b' * 64}", f"sha256:{'c' * 64}")),
        LockedPackage(name="torch", version="2.0+cpu"),
    ),
)
SYSTEM = System(
    distribution="debian-12",
    packages=(
        DebianPackage(name="libc6", version="2.36-9+deb12u14", architecture="amd64", source="glibc"),
        DebianPackage(name="libcrypt1", version="1:4.4.33-2", architecture="amd64"),
    ),
)
MODELS = (BilledModel(name="digits", version="7", tree="d" * 64),)


@pytest.fixture(scope="module")
def document() -> bytes:
    return bill(IMAGE, LOCK, server="0.1.0", models=MODELS, system=SYSTEM)


@pytest.fixture(scope="module")
def found(document: bytes) -> dict[str, dict]:
    return {component["name"]: component for component in json.loads(document)["components"]}


def test_it_is_valid(document: bytes) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.decode()) is None


def test_one_of_an_image_of_nothing_is_valid() -> None:
    document = bill(IMAGE, Lock(kind="resolved", platform="x", python="3.11", packages=()), server="0.1.0")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.decode()) is None


def test_it_is_the_same_each_time(document: bytes) -> None:
    assert bill(IMAGE, LOCK, server="0.1.0", models=MODELS, system=SYSTEM) == document
    assert "timestamp" not in json.loads(document)["metadata"]


def test_another_image_has_another_serial_number(document: bytes) -> None:
    other = bill(BilledImage(name="digits", version="3", digest=f"sha256:{'e' * 64}"), LOCK, server="0.1.0")

    assert json.loads(other)["serialNumber"] != json.loads(document)["serialNumber"]


def test_it_is_of_the_image(document: bytes) -> None:
    image = json.loads(document)["metadata"]["component"]

    assert (image["type"], image["name"], image["version"]) == ("container", "digits", "3")
    assert image["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


def test_python_packages_have_their_hashes(found: dict[str, dict]) -> None:
    assert found["numpy"]["purl"] == "pkg:pypi/numpy@2.4.6"
    assert {one["content"] for one in found["numpy"]["hashes"]} == {"b" * 64, "c" * 64}
    assert found["torch"]["purl"] == "pkg:pypi/torch@2.0%2Bcpu"


def test_debian_packages_say_where_they_are_from(found: dict[str, dict]) -> None:
    assert found["libc6"]["purl"] == (
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12&upstream=glibc"
    )
    assert found["libcrypt1"]["version"] == "1:4.4.33-2"
    assert (found["debian"]["type"], found["debian"]["version"]) == ("operating-system", "12")


def test_models_and_the_server_are_in_it(found: dict[str, dict]) -> None:
    model, server = (
        next(one for one in found.values() if one["type"] == kind) for kind in ("machine-learning-model", "application")
    )

    assert (model["name"], model["version"], model["hashes"][0]["content"]) == ("digits", "7", "d" * 64)
    assert (server["name"], server["purl"]) == ("modelyard-scoring", "pkg:pypi/modelyard@0.1.0")


def test_the_image_depends_on_every_part(document: bytes) -> None:
    whole = json.loads(document)
    (dependencies,) = (one["dependsOn"] for one in whole["dependencies"] if one["ref"] == "image:digits:3")

    assert set(dependencies) == {component["bom-ref"] for component in whole["components"]}
