"""The records of services, over every backend."""

import pytest
from tests.contract.sealed import seal

from modelyard.backend.backend import Backend
from modelyard.errors import (
    AlreadyExistsError,
    InUseError,
    InvalidNameError,
    NotFoundError,
    StateError,
)
from modelyard.models.model import NewModelVersion
from modelyard.services.service import NewRevision, Placed, RevisionChange, ServiceQuery
from modelyard.store.tree import Entry, Tree

PLACED = Placed(url="http://127.0.0.1:1", machine="here", facts={"place": "/nowhere"})


@pytest.fixture
def model(backend: Backend) -> str:
    entry = Entry(path="model.onnx", sha256=backend.blobs.put(b"a model"), size=7)
    tree = backend.trees.create(Tree.of([entry]))
    return backend.models.register("digits", NewModelVersion(tree=tree.digest)).id


@pytest.fixture
def image(backend: Backend, model: str) -> str:
    return seal(backend, "sealed", model).id


def _new(image: str, *, replace: bool = False) -> NewRevision:
    return NewRevision(target="process", image=image, tags={"team": "vision"}, replace=replace)


def test_the_first_revision_makes_the_service(backend: Backend, image: str) -> None:
    begun = backend.services.begin("digits", _new(image))

    info = backend.services.get("digits")
    assert (begun.number, begun.state, info.revision) == (1, "deploying", begun)
    assert info.tags == {"team": "vision"}


def test_a_service_that_exists_is_not_deployed_to_by_accident(backend: Backend, image: str) -> None:
    backend.services.begin("digits", _new(image))

    with pytest.raises(AlreadyExistsError, match="--replace"):
        backend.services.begin("digits", _new(image))


def test_a_revision_that_runs_replaces_the_one_before(backend: Backend, image: str) -> None:
    services = backend.services
    for number in (1, 2):
        services.begin("digits", _new(image, replace=True))
        services.change("digits", number, RevisionChange(state="running", placed=PLACED))

    assert [(r.number, r.state) for r in services.revisions("digits").items] == [(2, "running"), (1, "replaced")]
    assert services.get("digits").revision.number == 2


def test_what_ran_is_shown_while_the_next_is_deploying(backend: Backend, image: str) -> None:
    services = backend.services
    services.begin("digits", _new(image))
    services.change("digits", 1, RevisionChange(state="running", placed=PLACED))

    services.begin("digits", _new(image, replace=True))

    assert services.get("digits").revision.number == 1


def test_a_failed_revision_stays_failed(backend: Backend, image: str) -> None:
    backend.services.begin("digits", _new(image))
    backend.services.change("digits", 1, RevisionChange(state="failed", reason="no memory"))

    with pytest.raises(StateError, match="failed"):
        backend.services.change("digits", 1, RevisionChange(state="running", placed=PLACED))
    assert backend.services.get("digits").revision.reason == "no memory"


def test_an_image_that_is_served_cannot_be_deleted(backend: Backend, image: str) -> None:
    backend.services.begin("digits", _new(image))

    with pytest.raises(InUseError, match="digits/1"):
        backend.images.delete("sealed", 1)
    backend.services.delete("digits")
    backend.images.delete("sealed", 1)


def test_services_are_listed_by_name_in_pages_and_by_model(backend: Backend, image: str) -> None:
    for name in ("c", "a", "b"):
        backend.services.begin(name, _new(image))

    first = backend.services.list(ServiceQuery(limit=2, model="digits"))
    rest = backend.services.list(ServiceQuery(limit=2, cursor=first.cursor))
    assert [[s.name for s in page.items] for page in (first, rest)] == [["a", "b"], ["c"]]
    assert rest.cursor is None
    assert backend.services.list(ServiceQuery(model="digits:2")).items == ()
    assert backend.services.list(ServiceQuery(target="kubernetes")).items == ()


def test_an_unknown_service_is_an_error_that_names_those_there_are(backend: Backend, image: str) -> None:
    backend.services.begin("digits", _new(image))

    for call in (backend.services.get, backend.services.revisions, backend.services.delete):
        with pytest.raises(NotFoundError):
            call("digit")
    with pytest.raises(NotFoundError, match="digits/1"):
        backend.services.change("digits", 7, RevisionChange(state="failed"))


@pytest.mark.parametrize("wanted", ["sealed:9", "seal", "sealed@champion"])
def test_a_revision_runs_an_image_that_exists(backend: Backend, image: str, wanted: str) -> None:
    with pytest.raises(NotFoundError):
        backend.services.begin("digits", _new(wanted))
    with pytest.raises(NotFoundError):
        backend.services.get("digits")  # nothing of the refused revision is there


@pytest.mark.parametrize("name", ["..", "a/b", "", "x" * 129, "\u0430bc", "a\x00b"])
def test_names_that_break_the_rule_are_refused(backend: Backend, image: str, name: str) -> None:
    with pytest.raises((InvalidNameError, NotFoundError)):
        backend.services.begin(name, _new(image))
    assert backend.services.list(ServiceQuery()).items == ()
