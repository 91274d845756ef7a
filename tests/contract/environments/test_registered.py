"""Registered environments, in every way that a workspace can be reached."""

import pytest

from modelyard.environments.contents import PrivateWheel
from modelyard.environments.lock import Lock, LockedPackage
from modelyard.environments.registered import EnvironmentQuery, NewEnvironment, NewEnvironmentLock
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import InvalidNameError, InvalidValueError, MissingBlobError, NotFoundError
from modelyard.store.garbage import CollectGarbage

PLATFORM = "x86_64-manylinux_2_28"


@pytest.fixture
def register(backend):
    """Register an environment of some requirements."""

    def call(name, *needs, **more):
        spec = EnvironmentSpec.create(needs, python="3.11", **more)
        return backend.environments.register(name, NewEnvironment(spec=spec))

    return call


@pytest.fixture
def keep(backend):
    """Keep a lock with the version train:1."""

    def call(lock, platform=PLATFORM, version=1, **more):
        new = NewEnvironmentLock(sha256=backend.blobs.put(lock.to_json()), **more)
        return backend.environments.keep_lock("train", version, platform, new)

    return call


def lock_of(spec, six="1.17.0"):
    package = LockedPackage(name="six", version=six, hashes=(f"sha256:{'0' * 64}",))
    return Lock(kind="resolved", platform=PLATFORM, python=spec.python, packages=(package,), spec=spec.digest)


def test_versions_count_from_one_and_the_newest_is_registered_once(backend, register):
    made = [register("train", needs) for needs in ("six", "six", "idna", "six")]
    assert [one.version for one in made] == [1, 1, 2, 3]
    assert register("other", "six").version == 1
    assert backend.environments.get("train", 1) == made[0]
    assert backend.environments.latest("train") == made[3]


@pytest.mark.parametrize(("ask", "near"), [(("tran", 1), "train"), (("train", 9), "train:1")])
def test_what_is_not_there_is_an_error_that_names_the_nearest(backend, register, ask, near):
    register("train", "six")
    with pytest.raises(NotFoundError, match=near):
        backend.environments.get(*ask)
    with pytest.raises(NotFoundError, match="train"):
        backend.environments.latest("trein")


def test_a_name_that_breaks_the_rule_is_refused(register):
    with pytest.raises(InvalidNameError, match="an environment"):
        register("my env", "six")


def test_a_private_wheel_is_there_before_and_is_no_garbage(backend, register):
    with pytest.raises(MissingBlobError, match="f" * 64):
        register("train", wheels=[PrivateWheel(filename="a-1-py3-none-any.whl", sha256="f" * 64)])
    wheel = PrivateWheel(filename="a-1-py3-none-any.whl", sha256=backend.blobs.put(b"wheel"))
    assert register("train", wheels=[wheel]).spec.wheels == (wheel,)
    backend.garbage.collect(CollectGarbage(older_than=-1))
    assert backend.blobs.missing([wheel.sha256]) == set()


def test_the_first_lock_stays_until_it_is_replaced(backend, register, keep):
    spec = register("train", "six").spec
    first = keep(lock_of(spec))
    assert keep(lock_of(spec, "1.16.0")) == first
    second = keep(lock_of(spec, "1.16.0"), replace=True)
    assert backend.environments.get_lock("train", 1, PLATFORM) == second
    assert second.digest == lock_of(spec, "1.16.0").digest
    backend.garbage.collect(CollectGarbage(older_than=-1))
    assert Lock.from_json(backend.blobs.read(second.sha256)) == lock_of(spec, "1.16.0")


def test_only_a_lock_of_the_version_and_platform_is_kept(backend, register, keep):
    lock = lock_of(register("train", "six").spec)
    with pytest.raises(InvalidValueError, match="train:1 for aarch64"):
        keep(lock, platform="aarch64")
    with pytest.raises(InvalidValueError, match="train:1 for x86_64"):
        keep(lock_of(EnvironmentSpec.create(["idna"], python="3.11")))
    blob = backend.blobs.put(b"[]")
    with pytest.raises(InvalidValueError, match="not a lock"):
        backend.environments.keep_lock("train", 1, PLATFORM, NewEnvironmentLock(sha256=blob))
    with pytest.raises(MissingBlobError, match="f" * 64):
        backend.environments.keep_lock("train", 1, PLATFORM, NewEnvironmentLock(sha256="f" * 64))
    with pytest.raises(NotFoundError, match="train:2"):
        keep(lock, version=2)
    with pytest.raises(NotFoundError, match=PLATFORM):
        backend.environments.get_lock("train", 1, PLATFORM)


def test_lists_are_in_pages(backend, register):
    for name, needs in (("b", "six"), ("b", "idna"), ("a", "six"), ("c", "six"), ("b", "attrs")):
        register(name, needs)

    def page(list_, **query):
        found = list_(EnvironmentQuery(**query))
        return [f"{one.name}:{one.version}" for one in found.items], found.cursor

    latest, cursor = page(backend.environments.list, limit=2)
    assert latest == ["a:1", "b:3"]
    assert page(backend.environments.list, limit=2, cursor=cursor) == (["c:1"], None)
    versions = lambda query: backend.environments.versions("b", query)  # noqa: E731
    newest, cursor = page(versions, limit=2)
    assert newest == ["b:3", "b:2"]
    assert page(versions, cursor=cursor) == (["b:1"], None)
    with pytest.raises(InvalidValueError, match="limit"):
        page(versions, limit=0)
    with pytest.raises(InvalidValueError, match="cursor"):
        page(versions, cursor="x")
    with pytest.raises(NotFoundError, match="none"):
        backend.environments.versions("none", EnvironmentQuery())
