"""The sealed specification: one form, one digest, and rules that hold wherever it comes from."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.environments import platforms
from modelyard.environments.contents import Variable
from modelyard.errors import ModelyardError
from modelyard.images.errors import InvalidImageError
from modelyard.images.spec import PLATFORMS, ImageCode, ImageModel, ImageSpec, PlatformPart, Resources

A, B = "a" * 64, "b" * 64
MODEL = ImageModel(name="digits", version=1, tree=A, file="model.onnx")
PARTS = (PlatformPart(platform="linux/amd64", lock=B),)
SPEC = ImageSpec(name="digits", models=(MODEL,), server=A, parts=PARTS)

specs = st.builds(
    ImageSpec,
    name=st.just("digits"),
    models=st.just((MODEL,)),
    server=st.sampled_from([A, B]),
    parts=st.just(PARTS),
    resources=st.builds(
        Resources, cpu=st.floats(0.1, 64), memory=st.integers(64 << 20, 1 << 40), workers=st.integers(1, 128)
    ),
    limits=st.fixed_dictionaries({}, optional={"timeout": st.floats(0.5, 9), "max_rows": st.integers(1, 9)}),
    variables=st.lists(
        st.builds(
            Variable, name=st.sampled_from("AB"), value=st.text(st.characters(codec="utf-8", exclude_characters="\0"))
        ),
        max_size=2,
    ).map(tuple),
)


@given(specs)
def test_what_is_written_is_read_with_the_same_digest(spec: ImageSpec) -> None:
    read = ImageSpec.decode(spec.canonical)
    assert read == spec
    assert (read.canonical, read.digest) == (spec.canonical, spec.digest)


@given(specs)
def test_the_order_in_which_names_are_written_changes_nothing(spec: ImageSpec) -> None:
    document = msgspec.json.decode(spec.canonical)
    turned = msgspec.json.encode(dict(reversed(document.items())))
    assert ImageSpec.decode(turned).digest == spec.digest


def test_the_digest_is_the_one_that_was_published() -> None:
    """A change here gives every image another identity: it needs another format."""
    assert SPEC.digest == "2566c81b434033c2799833d22a1c5205ea5a4bb941c4d0100771b2e0d6854713"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"server": B},
        {"resources": Resources(workers=2)},
        {"limits": {"timeout": 1}},
        {"variables": (Variable(name="A", value=""),)},
        {"models": (msgspec.structs.replace(MODEL, version=2),)},
        {"parts": (msgspec.structs.replace(PARTS[0], base=A),)},
        {"docker_steps": ("RUN true",)},
    ],
)
def test_every_part_is_sealed(changes: dict[str, Any]) -> None:
    assert msgspec.structs.replace(SPEC, **changes).digest != SPEC.digest


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ImageSpec(name="m", server=A, parts=PARTS), "name a model"),
        (lambda: ImageSpec(name="m", models=(MODEL, MODEL), server=A, parts=PARTS), "digits"),
        (lambda: ImageSpec(name="m", models=(MODEL,), server=A, parts=()), "platforms"),
        (lambda: ImageSpec(name="m", models=(MODEL,), server=A, parts=PARTS * 2), "platforms"),
        (lambda: ImageSpec(name="m", models=(MODEL,), server="x", parts=PARTS), "sha256"),
        (
            lambda: ImageSpec(
                name="m", models=(msgspec.structs.replace(MODEL, engine="script"),), server=A, parts=PARTS
            ),
            "code",
        ),
        (lambda: ImageSpec(name="$(id)", models=(MODEL,), server=A, parts=PARTS), "image"),
        (lambda: msgspec.structs.replace(SPEC, limits={"time": 1}), "max_rows"),
        (lambda: msgspec.structs.replace(SPEC, limits={"timeout": 0}), "seconds"),
        (lambda: msgspec.structs.replace(SPEC, limits={"max_rows": 1.5}), "whole number"),
        (lambda: PlatformPart(platform="linux/mips", lock=A), "linux/arm64"),
        (lambda: Resources(cpu=0.0), "0.1"),
        (lambda: Resources(memory=1), "64 MiB"),
        (lambda: Resources(workers=0), "128"),
        (lambda: Resources(accelerator="abacus"), "openvino"),
        (lambda: ImageCode(tree=A), "entry script"),
        (lambda: ImageCode(tree=A, entry="../score.py"), "'..'"),
        (lambda: ImageCode(tree=A, entry="score.sh"), "NAME.py"),
        (lambda: ImageCode(tree=A, application="app:app; import os"), "MODULE:NAME"),
        (lambda: ImageCode(tree=A, application="-m:x\n"), "MODULE:NAME"),
        (lambda: ImageModel(name="a b", version=1, tree=A), "a b"),
        (lambda: ImageModel(name="$(id)", version=1, tree=A), "id"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_named(make: Any, said: str) -> None:
    with pytest.raises(ModelyardError) as raised:
        make()
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "document", [b"", b"[]", b'{"format":2}', SPEC.canonical.replace(b'"format":1', b'"format":2')]
)
def test_what_is_no_specification_is_refused(document: bytes) -> None:
    with pytest.raises(InvalidImageError, match="specification"):
        ImageSpec.decode(document)


def test_the_part_of_a_platform_is_found_or_said_to_be_missing() -> None:
    assert SPEC.part("linux/amd64") == PARTS[0]
    with pytest.raises(InvalidImageError, match="made for linux/amd64"):
        SPEC.part("linux/arm64")


def test_every_platform_is_one_that_locks_are_made_for() -> None:
    assert set(PLATFORMS.values()) <= set(platforms.PLATFORMS)
