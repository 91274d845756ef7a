"""The versions of images, over every backend."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.contract.sealed import seal, spec

from modelyard.backend.backend import Backend
from modelyard.errors import (
    InUseError,
    InvalidNameError,
    InvalidReferenceError,
    InvalidValueError,
    MissingBlobError,
    NotFoundError,
)
from modelyard.images.errors import InvalidImageError
from modelyard.images.image import ImageChange, ImageQuery, NewImageVersion
from modelyard.images.spec import ImageModel, PlatformPart, Resources
from modelyard.models.model import NewModelVersion
from modelyard.store.garbage import CollectGarbage
from modelyard.store.tree import Entry, Tree


def _model(backend: Backend, content: bytes = b"a model", name: str = "digits") -> str:
    entry = Entry(path="m.onnx", sha256=backend.blobs.put(content), size=len(content))
    tree = backend.trees.create(Tree.of([entry]))
    return backend.models.register(name, NewModelVersion(tree=tree.digest)).id


def test_the_same_specification_is_the_same_version(backend: Backend) -> None:
    model = _model(backend)
    first, again = seal(backend, "serve", model), seal(backend, "serve", model)
    assert (first, first.id) == (again, "serve:1")
    assert seal(backend, "serve", model, resources=Resources(workers=2)).id == "serve:2"
    assert seal(backend, "serve", model).id == "serve:1"


def test_one_specification_registered_by_many_at_once_is_one_version(backend: Backend) -> None:
    model = _model(backend)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: seal(backend, "serve", model).id, range(40)))
    assert set(found) == {"serve:1"}


def test_versions_are_counted_without_gaps(backend: Backend) -> None:
    model = _model(backend)
    with ThreadPoolExecutor(8) as pool:
        memories = [Resources(memory=(64 + number) << 20) for number in range(24)]
        found = list(pool.map(lambda memory: seal(backend, "serve", model, resources=memory).version, memories))
    assert sorted(found) == list(range(1, 25))


def test_a_version_is_found_by_name_and_by_number(backend: Backend) -> None:
    model = _model(backend)
    for gigabytes in (1, 2):
        seal(backend, "serve", model, resources=Resources(memory=gigabytes << 30))
    assert backend.images.get("serve").version == 2
    assert backend.images.get("serve:1").spec.resources.memory == 1 << 30
    for unknown, known in (("serv", "serve"), ("serve:9", "serve:2")):
        with pytest.raises(NotFoundError, match=known):
            backend.images.get(unknown)
    with pytest.raises(NotFoundError):
        backend.images.get("serve@champion")
    with pytest.raises(InvalidReferenceError):
        backend.images.get("serve:0")


def test_a_model_in_an_image_cannot_be_deleted(backend: Backend) -> None:
    seal(backend, "serve", _model(backend))
    with pytest.raises(InUseError, match="image serve:1"):
        backend.models.delete("digits", 1)
    backend.images.delete("serve", 1)
    backend.models.delete("digits", 1)


def test_a_deleted_number_is_not_given_again(backend: Backend) -> None:
    model = _model(backend)
    seal(backend, "serve", model)
    backend.images.delete("serve", 1)
    assert seal(backend, "serve", model).version == 2
    with pytest.raises(NotFoundError):
        backend.images.delete("serve", 1)


def test_what_an_image_needs_is_not_garbage(backend: Backend) -> None:
    image = seal(backend, "serve", _model(backend))
    needed = {image.digest, *image.spec.blobs}
    backend.garbage.collect(CollectGarbage(older_than=0.0))
    assert backend.blobs.missing(needed) == set()
    backend.images.delete("serve", 1)
    backend.models.delete("digits", 1)
    backend.garbage.collect(CollectGarbage(older_than=0.0))
    assert backend.blobs.missing(needed) == needed


def test_an_image_names_only_what_is_kept(backend: Backend) -> None:
    model = _model(backend)
    with pytest.raises(MissingBlobError):
        seal(backend, "serve", model, parts=(PlatformPart(platform="linux/amd64", lock="0" * 64),))
    with pytest.raises(MissingBlobError):
        backend.images.register("serve", NewImageVersion(spec="0" * 64))
    with pytest.raises(NotFoundError):
        backend.images.get("serve")


def test_an_image_names_the_files_that_the_registry_has(backend: Backend) -> None:
    first, other = _model(backend), _model(backend, b"another", "letters")
    tree = backend.models.get(other).tree
    wrong = spec(backend, "serve", first, models=(ImageModel(name="digits", version=1, tree=tree, file="m.onnx"),))
    with pytest.raises(InvalidImageError, match="digits:1"):
        backend.images.register("serve", NewImageVersion(spec=backend.blobs.put(wrong.canonical)))


@pytest.mark.parametrize("content", [b"no specification", b"{}", b"[1]"])
def test_a_blob_that_is_no_specification_is_refused(backend: Backend, content: bytes) -> None:
    with pytest.raises(InvalidImageError, match="specification"):
        backend.images.register("serve", NewImageVersion(spec=backend.blobs.put(content)))


def test_a_specification_that_is_not_canonical_is_refused(backend: Backend) -> None:
    content = spec(backend, "serve", _model(backend)).canonical
    with pytest.raises(InvalidValueError, match="canonical"):
        backend.images.register("serve", NewImageVersion(spec=backend.blobs.put(b" " + content)))


def test_what_is_said_of_an_image_can_change(backend: Backend) -> None:
    image = seal(backend, "serve", _model(backend))
    backend.images.update("serve", 1, ImageChange(description="small", tags={"a": "1", "b": "2"}))
    changed = backend.images.update("serve", 1, ImageChange(without_tags=("a",)))
    assert (changed.description, changed.tags, changed.digest) == ("small", {"b": "2"}, image.digest)
    assert backend.images.get("serve") == changed


def test_images_are_listed_the_newest_first_and_filtered(backend: Backend) -> None:
    model, letters = _model(backend), _model(backend, b"other", "letters")
    for gigabytes in (1, 2, 3):
        seal(backend, "serve", model, resources=Resources(memory=gigabytes << 30))
    other = seal(backend, "other", letters)
    backend.images.update("serve", 2, ImageChange(tags={"stage": "test"}))

    def found(**query: object) -> list[str]:
        return [one.id for one in backend.images.list(ImageQuery(**query)).items]  # type: ignore[arg-type]

    assert found() == ["other:1", "serve:3", "serve:2", "serve:1"]
    assert found(name="serve", tags=("stage=test",)) == ["serve:2"]
    assert (found(tags=("stage",)), found(tags=("stage=x",))) == (["serve:2"], [])
    assert (found(model="letters"), found(model="letters:2")) == (["other:1"], [])
    assert found(digest=other.digest) == ["other:1"]
    first = backend.images.list(ImageQuery(limit=3))
    rest = backend.images.list(ImageQuery(limit=3, cursor=first.cursor))
    assert ([one.id for one in rest.items], rest.cursor) == (["serve:1"], None)
    for query in (ImageQuery(limit=0), ImageQuery(cursor="x")):
        with pytest.raises(InvalidValueError):
            backend.images.list(query)


def test_a_specification_is_registered_under_its_own_name(backend: Backend) -> None:
    content = backend.blobs.put(spec(backend, "serve", _model(backend)).canonical)
    with pytest.raises(InvalidImageError, match="that of serve"):
        backend.images.register("other", NewImageVersion(spec=content))


@pytest.mark.parametrize("name", ["..", "a/b", "", "x" * 129, "-rf", "a\nb", "$(id)"])
def test_names_that_break_the_rule_are_refused(backend: Backend, name: str) -> None:
    content = backend.blobs.put(spec(backend, "serve", _model(backend)).canonical)
    with pytest.raises((InvalidNameError, NotFoundError)):
        backend.images.register(name, NewImageVersion(spec=content))
    assert backend.images.list(ImageQuery()).items == ()
