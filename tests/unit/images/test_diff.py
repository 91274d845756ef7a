"""How two images differ, leaf by leaf."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelyard.backend.backend import Backend
from modelyard.backend.embedded import over
from modelyard.environments.contents import Variable
from modelyard.environments.lock import Lock, LockedPackage
from modelyard.images.diff import differences
from modelyard.images.spec import ImageCode, ImageModel, ImageSpec, PlatformPart, Resources
from modelyard.store.store import Store
from modelyard.store.tree import Entry, Tree


@pytest.fixture
def backend(tmp_path: Path):
    opened = over(Store.open(tmp_path))
    yield opened
    opened.close()


def _tree(backend: Backend, **files: str) -> str:
    entries = [
        Entry(path=path, sha256=backend.blobs.put(text.encode()), size=len(text)) for path, text in files.items()
    ]
    return backend.trees.create(Tree.of(entries)).digest


def _lock(backend: Backend, **versions: str) -> str:
    packages = tuple(LockedPackage(name=name, version=version) for name, version in versions.items())
    lock = Lock(kind="resolved", platform="x86_64-manylinux_2_28", python="3.11", packages=packages)
    return backend.blobs.put(lock.to_json())


def _spec(backend: Backend, **fields: Any) -> ImageSpec:
    model = ImageModel(name="digits", version=1, tree=_tree(backend, weights="1"), engine="script")
    given = {
        "name": "digits",
        "models": (model,),
        "code": ImageCode(tree=_tree(backend, **{"score.py": "run", "same.py": "x"}), entry="score.py"),
        "server": _tree(backend, server="s"),
        "parts": (PlatformPart(platform="linux/amd64", lock=_lock(backend, numpy="1.0", idna="3")),),
    }
    return ImageSpec(**{**given, **fields})


def _found(backend: Backend, before: ImageSpec, after: ImageSpec) -> dict[str, tuple[Any, Any]]:
    found = differences(before, after, backend.trees, backend.blobs)
    return {one.leaf: (one.before, one.after) for one in found}


def test_an_image_does_not_differ_from_itself(backend: Backend) -> None:
    assert _found(backend, _spec(backend), _spec(backend)) == {}


def test_values_are_named_by_their_path(backend: Backend) -> None:
    before = _spec(backend, limits={"timeout": 1})
    after = _spec(backend, resources=Resources(workers=2), variables=(Variable(name="MODE", value="fast"),))
    assert _found(backend, before, after) == {
        "limits.timeout": (1, None),
        "resources.workers": (1, 2),
        "variables[MODE]": (None, "fast"),
    }


def test_a_changed_file_is_named_and_the_same_ones_are_not(backend: Backend) -> None:
    code = ImageCode(tree=_tree(backend, **{"score.py": "ran", "same.py": "x", "new.py": ""}), entry="score.py")
    found = _found(backend, _spec(backend), _spec(backend, code=code))
    assert set(found) == {"code.tree", "code.files[score.py]", "code.files[new.py]"}
    assert found["code.files[new.py]"][0] is None


def test_a_changed_package_is_named_with_both_versions(backend: Backend) -> None:
    parts = (PlatformPart(platform="linux/amd64", lock=_lock(backend, numpy="2.0", idna="3")),)
    found = _found(backend, _spec(backend), _spec(backend, parts=parts))
    assert found["linux/amd64.packages[numpy]"] == ("1.0", "2.0")
    assert set(found) == {"linux/amd64.packages[numpy]", "linux/amd64.lock"}


def test_a_model_of_another_version_is_unfolded_too(backend: Backend) -> None:
    model = ImageModel(name="digits", version=2, tree=_tree(backend, weights="2"), engine="script")
    found = _found(backend, _spec(backend), _spec(backend, models=(model,)))
    assert found["models[digits].version"] == (1, 2)
    assert "models[digits].files[weights]" in found


def test_a_difference_is_one_line(backend: Backend) -> None:
    (one,) = differences(
        _spec(backend), _spec(backend, docker_steps=("RUN " + "x" * 200,)), backend.trees, backend.blobs
    )
    assert str(one).startswith("docker_steps: [] -> [")
    assert len(str(one)) < 200
    assert msgspec.json.encode(one)
