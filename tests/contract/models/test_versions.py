"""Versions of models, in every way that a workspace can be reached."""

import datetime as dt
import itertools

import pytest

from modelyard.errors import (
    InUseError,
    InvalidNameError,
    InvalidReferenceError,
    InvalidValueError,
    MissingBlobError,
    NotFoundError,
    StateError,
)
from modelyard.models.model import DatasetUse, ModelChange, ModelQuery, ModelUse, MoveAlias, NewModelVersion
from modelyard.models.signature import Field, Signature
from modelyard.store.garbage import CollectGarbage
from modelyard.store.tree import Entry, Tree


def test_versions_of_a_name_count_from_one(register):
    assert [register().version for _ in range(3)] == [1, 2, 3]
    assert register("other").id == "other:1"


def test_a_version_keeps_all_that_was_said(backend, register):
    blob = backend.blobs.put(b"{}")
    said = {
        "description": "digits of eight by eight",
        "framework": "scikit-learn",
        "framework_version": "1.7",
        "tags": {"area": "mnist", "empty": ""},
        "properties": {"accuracy": "0.97"},
        "datasets": (DatasetUse(purpose="training data", dataset="digits:1"),),
        "signature": Signature(inputs=(Field(name="x", type="float32", shape=(None, 64)),)),
        "sample": blob,
        "certificate": blob,
        "lock": blob,
        "run_id": "run-1",
    }
    made = register(**said)
    assert {name: getattr(made, name) for name in said} == said
    assert (made.entry, made.files, made.size) == ("model.pkl", 1, 7)
    assert dt.datetime.now(dt.UTC) - made.created < dt.timedelta(minutes=1)
    assert backend.models.get("digits:1") == made


def test_a_reference_names_a_version_an_alias_or_the_highest(backend, register):
    first, last = register(), register()
    backend.model_aliases.move("digits", "champion", MoveAlias(version=1))
    assert backend.models.get("digits") == last
    assert backend.models.get("digits:2") == last
    found = backend.models.get("digits@champion")
    assert (found.id, found.aliases) == (first.id, ("champion",))


@pytest.mark.parametrize(
    ("reference", "kind", "near"),
    [
        ("digit", "model", "digits"),
        ("digits:7", "model version", "digits:1"),
        ("digits@champoin", "model alias", "digits@champion"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_the_nearest(backend, register, reference, kind, near):
    register()
    backend.model_aliases.move("digits", "champion", MoveAlias(version=1))
    with pytest.raises(NotFoundError, match=near) as raised:
        backend.models.get(reference)
    assert (raised.value.kind, raised.value.name) == (kind, reference)


@pytest.mark.parametrize("reference", ["digits:0", "digits:", "a:1:2", "digits@", "..", "digits:1@x"])
def test_what_is_no_reference_is_refused(backend, reference):
    with pytest.raises(InvalidReferenceError, match="NAME:VERSION"):
        backend.models.get(reference)


@pytest.mark.parametrize("name", ["..", "a/b", "a/../b", "", "a b", "-x", "é", "x" * 129])
def test_a_name_that_breaks_the_rule_is_refused(register, name):
    with pytest.raises(InvalidNameError, match="1 to 128"):
        register(name)


@pytest.mark.parametrize("field", ["tree", "sample", "certificate", "lock"])
def test_a_blob_that_is_not_there_is_named(backend, register, field):
    tree = register().tree
    with pytest.raises(MissingBlobError, match="f" * 64):
        backend.models.register("digits", NewModelVersion(**({"tree": tree} | {field: "f" * 64})))
    assert backend.models.get("digits").version == 1


def test_a_blob_that_is_no_tree_is_refused(backend):
    blob = backend.blobs.put(b"weights")
    with pytest.raises(InvalidValueError, match="not a tree"):
        backend.models.register("digits", NewModelVersion(tree=blob))


def test_a_tree_of_several_things_is_refused(backend):
    blob = backend.blobs.put(b"weights")
    tree = Tree.of([Entry(path="a", sha256=blob, size=7), Entry(path="b", sha256=blob, size=7)])
    with pytest.raises(InvalidValueError, match="not a, b"):
        backend.models.register("digits", NewModelVersion(tree=backend.trees.create(tree).digest))


@pytest.mark.parametrize("tags", [{"": "x"}, {"a=b": "x"}, {"a": "x\0"}, {"a": "x" * 10_001}, {"a" * 251: "x"}])
def test_a_tag_that_cannot_be_kept_is_refused(register, tags):
    with pytest.raises(InvalidValueError, match="tag"):
        register(tags=tags)


def test_a_refused_registration_takes_no_number(register):
    with pytest.raises(InvalidValueError, match="tag"):
        register(tags={"": "x"})
    assert register().version == 1


def test_a_change_touches_what_it_names(backend, register):
    register(description="old", tags={"a": "1", "b": "2"}, properties={"p": "1"})
    change = ModelChange(
        description="new",
        framework="onnx",
        tags={"c": "3", "a": "9"},
        without_tags=("b", "none"),
        properties={"q": "2", "p": "1"},
        datasets=(DatasetUse(purpose="test", dataset="digits:2"),),
    )
    changed = backend.models.update("digits", 1, change)
    assert (changed.description, changed.framework) == ("new", "onnx")
    assert changed.tags == {"a": "9", "c": "3"}
    assert changed.properties == {"p": "1", "q": "2"}
    assert backend.models.get("digits:1") == changed
    assert backend.models.update("digits", 1, change) == changed
    assert backend.models.list(ModelQuery(tags=("b",))).items == ()
    assert backend.models.list(ModelQuery(tags=("c=3",), framework="onnx")).items == (changed,)


def test_a_property_keeps_its_value(backend, register):
    register(properties={"p": "1"})
    with pytest.raises(StateError, match="'p' of digits:1 is '1'"):
        backend.models.update("digits", 1, ModelChange(properties={"p": "2"}, tags={"a": "1"}))
    assert backend.models.get("digits:1").tags == {}


def test_lists_are_the_newest_first_in_pages(backend, register):
    made = [register(name) for name in ("a", "b", "a", "c", "a")]
    pages, cursor = [], None
    for _ in range(3):
        page = backend.models.list(ModelQuery(limit=2, cursor=cursor))
        pages.append([one.id for one in page.items])
        cursor = page.cursor
    assert list(itertools.chain(*pages)) == [one.id for one in reversed(made)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert cursor is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ModelQuery(name="a"), ["a:2", "a:1"]),
        (ModelQuery(tags=("stage",)), ["b:1", "a:2", "a:1"]),
        (ModelQuery(tags=("stage=test",)), ["b:1", "a:1"]),
        (ModelQuery(tags=("stage=test", "area")), ["b:1"]),
        (ModelQuery(tags=("area=x=y",)), ["b:1"]),
        (ModelQuery(properties=("p=1",)), ["a:2"]),
        (ModelQuery(run_id="r1"), ["a:1"]),
        (ModelQuery(framework="onnx"), ["b:1"]),
        (ModelQuery(latest=True), ["b:1", "a:2"]),
        (ModelQuery(latest=True, tags=("stage=test",)), ["b:1"]),
        (ModelQuery(name="none"), []),
    ],
)
def test_lists_are_filtered(backend, register, query, expected):
    register("a", tags={"stage": "test"}, run_id="r1")
    register("a", tags={"stage": "live"}, properties={"p": "1"})
    register("b", tags={"stage": "test", "area": "x=y"}, framework="onnx")
    assert [one.id for one in backend.models.list(query).items] == expected


@pytest.mark.parametrize("query", [ModelQuery(limit=0), ModelQuery(limit=1001), ModelQuery(cursor="x")])
def test_a_query_that_makes_no_sense_is_refused(backend, query):
    with pytest.raises(InvalidValueError, match=r"limit|cursor"):
        backend.models.list(query)


def test_a_deleted_version_is_gone_and_its_number_is_not_used_again(backend, register):
    register(tags={"a": "1"})
    register()
    backend.models.delete("digits", 2)
    assert [one.id for one in backend.models.list(ModelQuery()).items] == ["digits:1"]
    assert register().version == 3
    for number in (1, 3):
        backend.models.delete("digits", number)
    with pytest.raises(NotFoundError, match="no model 'digits'"):
        backend.models.get("digits")
    assert register().version == 4


def test_a_version_is_not_deleted_while_it_is_used(backend, register):
    register()
    register()
    backend.model_aliases.move("digits", "champion", MoveAlias(version=1))
    use = ModelUse(kind="service", user="digits-svc")
    assert backend.model_uses.add("digits", 1, use) == backend.model_uses.add("digits", 1, use)
    with pytest.raises(InUseError, match="the alias champion, service digits-svc") as raised:
        backend.models.delete("digits", 1)
    assert raised.value.users == ("the alias champion", "service digits-svc")
    assert backend.model_uses.list("digits", 1).items == (use,)
    backend.model_aliases.move("digits", "champion", MoveAlias(version=2))
    backend.model_uses.remove("digits", 1, use)
    backend.models.delete("digits", 1)
    assert backend.models.get("digits").version == 2


def test_what_is_not_there_cannot_be_used_or_deleted(backend, register):
    register()
    with pytest.raises(NotFoundError, match="digits:2"):
        backend.model_uses.add("digits", 2, ModelUse(kind="service", user="x"))
    with pytest.raises(NotFoundError, match="digits:2"):
        backend.models.delete("digits", 2)
    with pytest.raises(NotFoundError, match="none"):
        backend.models.delete("none", 1)
    with pytest.raises(NotFoundError, match="digits:2"):
        backend.models.update("digits", 2, ModelChange())


def test_what_a_version_refers_to_is_no_garbage(backend, register):
    blobs = {name: backend.blobs.put(name.encode()) for name in ("sample", "certificate", "lock")}
    made = register(**blobs)
    lost = backend.blobs.put(b"nobody")
    assert backend.garbage.collect(CollectGarbage(older_than=-1)).blobs == 1
    assert backend.blobs.missing([made.tree, *blobs.values(), lost]) == {lost}
    backend.models.delete("digits", 1)
    assert backend.garbage.collect(CollectGarbage(older_than=-1)).blobs == 5
