"""The records of services, over every backend."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from msgspec.structs import replace
from tests.contract.sealed import seal

from modelyard.backend.backend import Backend
from modelyard.errors import (
    InUseError,
    InvalidNameError,
    InvalidValueError,
    LeaseLostError,
    ModelyardError,
    NoRolloutError,
    NotFoundError,
    RolloutUnderWayError,
    StateError,
)
from modelyard.images.spec import Resources
from modelyard.ledger.entry import LedgerQuery, NewEntry, VerifyQuery
from modelyard.models.model import NewModelVersion
from modelyard.runner.lease import AcquireLease, LeaseInfo
from modelyard.services.policy import Policy
from modelyard.services.progress import Advance, DueQuery, Forget
from modelyard.services.rollout import NewRollout, RolloutAsk
from modelyard.services.service import ServiceChange, ServiceQuery, ServiceStanding, ServiceWish
from modelyard.services.settings import ServiceSettings
from modelyard.store.tree import Entry, Tree

NAME = "digits"


@pytest.fixture
def image(backend: Backend) -> str:
    entry = Entry(path="model.onnx", sha256=backend.blobs.put(b"a model"), size=7)
    tree = backend.trees.create(Tree.of([entry]))
    return seal(backend, "sealed", backend.models.register("digits", NewModelVersion(tree=tree.digest)).id).id


@pytest.fixture
def other(backend: Backend, image: str) -> str:
    return seal(backend, "sealed", "digits:1", resources=Resources(memory=2 << 30)).id


@pytest.fixture
def lease(backend: Backend) -> LeaseInfo:
    return backend.leases.acquire(f"service:{NAME}", AcquireLease(holder="a runner"))


def _new(image: str, **more: object) -> NewRollout:
    return NewRollout(image=image, by="me", machine="here", **more)


def _promote(backend: Backend, lease: LeaseInfo) -> None:
    look = backend.service_progress.look(NAME)
    rollout = look.info.rollout
    others = [replace(one, state="replaced") for one in look.revisions if one.number != rollout.revision]
    advance = Advance(
        token=lease.token,
        standing=ServiceStanding(machine="here", serving=rollout.revision, traffic={rollout.revision: 100}),
        rollout=replace(rollout, state="promoted"),
        revisions=(replace(look.revision(rollout.revision), state="running"), *others),
        entries=(
            NewEntry(subject=f"service:{NAME}", action="promote", by="a runner", why="", facts={"to": {"1": 100}}),
        ),
    )
    backend.service_progress.advance(NAME, advance)


def test_the_first_rollout_makes_the_service(backend: Backend, image: str) -> None:
    begun = backend.services.deploy(NAME, _new(image, tags={"team": "vision"}))

    info = backend.services.get(NAME)
    assert (begun.revision, begun.rollout, info.revision.state, info.state) == (1, 1, "deploying", "deploying")
    assert (info.tags, info.rollout.state, info.rollout.base) == ({"team": "vision"}, "starting", None)


def test_what_serves_already_is_not_deployed_again(backend: Backend, image: str, lease: LeaseInfo) -> None:
    first = backend.services.deploy(NAME, _new(image))
    assert backend.services.deploy(NAME, _new(image)) == first  # it is on its way
    _promote(backend, lease)

    again = backend.services.deploy(NAME, _new(image, settings=ServiceSettings(replicas=3)))

    assert (again.revision, again.rollout) == (1, None)
    assert len(backend.services.revisions(NAME).items) == len(backend.services.rollouts(NAME).items) == 1
    assert backend.services.get(NAME).settings.replicas == 3


def test_a_second_rollout_is_refused_or_follows(backend: Backend, image: str, other: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image))

    with pytest.raises(RolloutUnderWayError, match="--queue"):
        backend.services.deploy(NAME, _new(other))
    begun = backend.services.deploy(NAME, _new(other, queue=True))

    assert backend.services.get(NAME).rollout.number == 1
    _promote(backend, lease)
    queued = backend.services.get(NAME).rollout
    assert (queued.number, queued.state, begun.revision) == (2, "queued", 2)


def test_many_deployments_at_once_make_one_rollout(backend: Backend, image: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: backend.services.deploy(NAME, _new(image)), range(16)))

    assert {(one.revision, one.rollout) for one in begun} == {(1, 1)}
    assert len(backend.ledger.list(LedgerQuery()).items) == 1


def test_a_revision_that_served_serves_again(backend: Backend, image: str, other: str, lease: LeaseInfo) -> None:
    for wanted in (image, other):
        backend.services.deploy(NAME, _new(wanted))
        _promote(backend, lease)

    begun = backend.services.deploy(NAME, NewRollout(revision=1, by="me"))

    rollout = backend.services.get(NAME).rollout
    assert (begun.revision, rollout.revision, rollout.base) == (1, 1, 2)
    assert [one.action for one in backend.ledger.list(LedgerQuery()).items][:2] == ["roll back", "promote"]


def test_a_rollback_to_a_deleted_image_is_refused(backend: Backend, image: str, other: str, lease: LeaseInfo) -> None:
    for wanted in (image, other):
        backend.services.deploy(NAME, _new(wanted))
        _promote(backend, lease)
    backend.images.delete("sealed", 1)

    with pytest.raises(NotFoundError, match="sealed"):
        backend.services.deploy(NAME, NewRollout(revision=1, by="me"))
    assert backend.services.get(NAME).rollout.state == "promoted"


@pytest.mark.parametrize("number", [2, 99])
def test_a_rollback_to_what_never_was_is_refused(backend: Backend, image: str, lease: LeaseInfo, number: int) -> None:
    backend.services.deploy(NAME, _new(image))
    _promote(backend, lease)

    with pytest.raises(NotFoundError, match=f"{NAME}/1"):
        backend.services.deploy(NAME, NewRollout(revision=number, by="me"))


def test_a_service_without_the_router_is_replaced_all_at_once(backend: Backend, image: str) -> None:
    settings = ServiceSettings(routed=False)

    with pytest.raises(InvalidValueError, match="all at once"):
        backend.services.deploy(NAME, _new(image, settings=settings, policy=Policy.canary()))
    assert backend.services.list(ServiceQuery()).items == ()


def test_a_port_without_the_router_is_for_one_revision(
    backend: Backend, image: str, other: str, lease: LeaseInfo
) -> None:
    settings = ServiceSettings(routed=False, port=8080)
    backend.services.deploy(NAME, _new(image, settings=settings))
    _promote(backend, lease)

    assert backend.services.deploy(NAME, _new(image)).rollout is None
    with pytest.raises(InvalidValueError, match="only one revision"):
        backend.services.deploy(NAME, _new(other))


@pytest.mark.parametrize("more", [{"replicas": 2}, {"auth": False}])
def test_what_needs_the_router_is_refused_without_it(more: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match="router"):
        ServiceSettings(routed=False, **more)


def test_a_service_is_not_put_before_the_router_later(backend: Backend, image: str) -> None:
    backend.services.deploy(NAME, _new(image))

    for call in (
        lambda settings: backend.services.change(NAME, ServiceChange(settings=settings, by="me")),
        lambda settings: backend.services.deploy(NAME, _new(image, settings=settings)),
    ):
        with pytest.raises(InvalidValueError, match="deploy it anew"):
            call(ServiceSettings(routed=False))


def test_what_is_asked_of_a_rollout_stays_until_it_is_done(backend: Backend, image: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image))
    rollout = backend.services.get(NAME).rollout
    backend.services.ask(NAME, RolloutAsk(wanted="promote", by="me"))
    backend.services.ask(NAME, RolloutAsk(wanted="abort", by="me", why="no"))

    look = backend.service_progress.advance(NAME, Advance(token=lease.token, rollout=rollout, answered="promote"))
    assert look.info.rollout.asked == "abort"  # nobody has seen to that yet
    look = backend.service_progress.advance(NAME, Advance(token=lease.token, rollout=rollout, answered="abort"))
    assert look.info.rollout.asked is None


def test_nothing_is_asked_of_a_rollout_that_has_ended(backend: Backend, image: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image))
    _promote(backend, lease)

    with pytest.raises(NoRolloutError, match="rollback"):
        backend.services.ask(NAME, RolloutAsk(wanted="abort", by="me"))


def test_whoever_lost_the_lease_changes_nothing(backend: Backend, image: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image))
    seen = AcquireLease(holder="another", token=lease.token, beat=lease.beat)
    newer = backend.leases.acquire(f"service:{NAME}", seen)
    before = backend.service_progress.look(NAME)

    for call in (
        lambda: backend.service_progress.advance(NAME, Advance(token=lease.token, standing=ServiceStanding(serving=7))),
        lambda: backend.service_progress.forget(NAME, Forget(token=lease.token)),
    ):
        with pytest.raises(LeaseLostError):
            call()
    assert backend.service_progress.look(NAME) == before
    backend.service_progress.forget(NAME, Forget(token=newer.token))


def test_a_service_is_due_until_its_wishes_are_settled(backend: Backend, image: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image))
    progress = backend.service_progress
    look = progress.look(NAME)
    assert (progress.due(DueQuery(machine="here")).names, progress.due(DueQuery(machine="there")).names) == (
        (NAME,),
        (),
    )

    backend.services.wish(NAME, ServiceWish(wanted="stopped", by="me"))
    progress.advance(NAME, Advance(token=lease.token, settled=look.wishes))  # the runner has not seen the wish yet
    assert progress.due(DueQuery(machine="here")).names == (NAME,)
    progress.advance(NAME, Advance(token=lease.token, settled=progress.look(NAME).wishes))
    assert progress.due(DueQuery(machine="here")).names == ()


def test_a_service_that_is_being_deleted_is_let_alone(backend: Backend, image: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image))
    backend.services.wish(NAME, ServiceWish(wanted="deleted", by="me"))

    with pytest.raises(StateError, match="deleted"):
        backend.services.deploy(NAME, _new(image))
    with pytest.raises(StateError, match="deleted"):
        backend.services.wish(NAME, ServiceWish(wanted="running", by="me"))
    backend.service_progress.forget(NAME, Forget(token=lease.token))
    assert backend.services.deploy(NAME, _new(image)).revision == 1


def test_an_image_that_is_served_cannot_be_deleted(backend: Backend, image: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image))

    with pytest.raises(InUseError, match="digits/1"):
        backend.images.delete("sealed", 1)
    backend.service_progress.forget(NAME, Forget(token=lease.token))
    backend.images.delete("sealed", 1)


def test_all_that_happened_is_in_a_whole_ledger(backend: Backend, image: str, lease: LeaseInfo) -> None:
    backend.services.deploy(NAME, _new(image, why="the first"))
    _promote(backend, lease)
    backend.services.change(NAME, ServiceChange(tags={"team": "vision"}, by="me"))
    backend.services.wish(NAME, ServiceWish(wanted="stopped", by="me"))

    entries = backend.ledger.list(LedgerQuery(subject=f"service:{NAME}")).items
    assert [one.action for one in entries] == ["stop", "change", "promote", "deploy"]
    assert (entries[-1].why, backend.ledger.verify(VerifyQuery()).broken) == ("the first", None)


def test_services_are_listed_by_name_in_pages_and_by_what_they_are(backend: Backend, image: str) -> None:
    for name in ("c", "a", "b"):
        backend.services.deploy(name, _new(image, tags={"team": name}))

    first = backend.services.list(ServiceQuery(limit=2, model="digits"))
    rest = backend.services.list(ServiceQuery(limit=2, cursor=first.cursor))
    assert [[s.name for s in page.items] for page in (first, rest)] == [["a", "b"], ["c"]]
    assert rest.cursor is None
    for none in (ServiceQuery(model="digits:2"), ServiceQuery(target="kubernetes"), ServiceQuery(image="other")):
        assert backend.services.list(none).items == ()
    for query in (ServiceQuery(tag="team=b"), ServiceQuery(tag="team", image="sealed:1", target="process")):
        assert "b" in [one.name for one in backend.services.list(query).items]


def test_an_unknown_service_is_an_error_that_names_those_there_are(backend: Backend, image: str) -> None:
    backend.services.deploy(NAME, _new(image))
    calls: tuple[Callable[[], object], ...] = (
        lambda: backend.services.get("digit"),
        lambda: backend.services.revisions("digit"),
        lambda: backend.services.rollouts("digit"),
        lambda: backend.services.change("digit", ServiceChange(by="me")),
        lambda: backend.services.wish("digit", ServiceWish(wanted="deleted", by="me")),
        lambda: backend.services.ask("digit", RolloutAsk(wanted="abort", by="me")),
        lambda: backend.service_progress.look("digit"),
        lambda: backend.services.deploy("digit", NewRollout(revision=1, by="me")),
    )

    for call in calls:
        with pytest.raises(NotFoundError, match="digits"):
            call()


@pytest.mark.parametrize("wanted", ["sealed:9", "seal", "sealed@champion", ""])
def test_a_revision_runs_an_image_that_exists(backend: Backend, image: str, wanted: str) -> None:
    with pytest.raises(ModelyardError):
        backend.services.deploy(NAME, _new(wanted))
    with pytest.raises(NotFoundError):
        backend.services.get(NAME)  # nothing of the refused revision is there


@pytest.mark.parametrize("name", ["..", "a/b", "", "x" * 129, "\u0430bc", "a\x00b"])
def test_names_that_break_the_rule_are_refused(backend: Backend, image: str, name: str) -> None:
    with pytest.raises((InvalidNameError, NotFoundError)):
        backend.services.deploy(name, _new(image))
    assert backend.services.list(ServiceQuery()).items == ()


@pytest.mark.parametrize("by", ["", "a\nb", "x" * 251])
def test_who_asks_is_named_in_one_line(backend: Backend, image: str, by: str) -> None:
    """Over HTTP it is the caller who asks, whatever the request says."""
    with suppress(InvalidValueError):
        backend.services.deploy(NAME, NewRollout(image=image, by=by))

    assert all(one.by not in ("", by) for one in backend.ledger.list(LedgerQuery()).items)
    assert len(backend.services.list(ServiceQuery()).items) == len(backend.ledger.list(LedgerQuery()).items)
