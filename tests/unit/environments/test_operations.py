import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from modelyard.environments.contents import PrivateWheel
from modelyard.environments.lock import Lock
from modelyard.environments.operations import Environments
from modelyard.environments.registered import EnvironmentQuery, NewEnvironment, NewEnvironmentLock
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import InvalidNameError, InvalidValueError, MissingBlobError, NotFoundError
from modelyard.store.database import Database, sqlite_url
from modelyard.store.schema import metadata
from modelyard.store.store import Store

PLATFORM = "x86_64-manylinux_2_28"


@pytest.fixture
def store(tmp_path):
    database = Database(sqlite_url(tmp_path / "rows.db"))
    with database.write() as connection:
        metadata.create_all(connection)
    store = Store(tmp_path, database)
    yield store
    store.close()


@pytest.fixture
def environments(store):
    return Environments(store)


def new(*requirements, **more):
    return NewEnvironment(spec=EnvironmentSpec.create(requirements, python="3.11", **more))


def keep(environments, store, lock, version=1, **more):
    sha256 = store.blobs.put(lock.to_json())
    return environments.keep_lock("train", version, lock.platform, NewEnvironmentLock(sha256=sha256, **more))


def test_versions_count_from_one_without_gaps(environments):
    made = [environments.register("train", new(f"six=={n}")) for n in range(1, 4)]
    assert [one.version for one in made] == [1, 2, 3]
    assert environments.get("train", 2) == made[1]
    assert environments.latest("train") == made[2]
    assert made[0].spec.requirements == ("six==1",)
    assert made[0].spec.name == "train"


def test_writers_at_once_leave_no_gap(environments):
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda n: environments.register("train", new(f"six=={n}")), range(80))
    assert sorted(one.version for one in made) == list(range(1, 81))


def test_registering_the_same_again_makes_no_version(environments):
    first = environments.register("train", new("six", "iniconfig"))
    assert environments.register("train", new("iniconfig", "six", name="other")) == first


def test_returning_to_an_earlier_specification_makes_a_version(environments):
    for text in ("six", "iniconfig", "six"):
        last = environments.register("train", new(text))
    assert last.version == 3


def test_an_unknown_name_lists_those_that_are_like_it(environments):
    environments.register("train", new())
    with pytest.raises(NotFoundError, match="train"):
        environments.latest("trian")
    with pytest.raises(NotFoundError, match="train:1"):
        environments.get("train", 2)


def test_a_name_that_breaks_the_rule_is_refused(environments):
    with pytest.raises(InvalidNameError):
        environments.register("../train", new())


def test_a_private_wheel_must_have_been_uploaded(environments, store):
    content = b"a wheel"
    wheel = PrivateWheel(filename="mine-1-py3-none-any.whl", sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(MissingBlobError):
        environments.register("train", new(wheels=[wheel]))
    store.blobs.put(content)
    assert environments.register("train", new(wheels=[wheel])).spec.wheels == (wheel,)


def test_environments_are_listed_in_their_latest_versions(environments):
    for name in ("c", "a", "b"):
        environments.register(name, new("six"))
        environments.register(name, new("iniconfig"))
    first = environments.list(EnvironmentQuery(limit=2))
    rest = environments.list(EnvironmentQuery(limit=2, cursor=first.cursor))
    assert [(one.name, one.version) for one in (*first.items, *rest.items)] == [("a", 2), ("b", 2), ("c", 2)]
    assert rest.cursor is None


def test_versions_are_listed_the_newest_first(environments):
    for n in range(5):
        environments.register("train", new(f"six=={n}"))
    first = environments.versions("train", EnvironmentQuery(limit=3))
    rest = environments.versions("train", EnvironmentQuery(limit=3, cursor=first.cursor))
    assert [one.version for one in (*first.items, *rest.items)] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"cursor": "x"}])
def test_a_query_out_of_bounds_is_refused(environments, query):
    environments.register("train", new())
    with pytest.raises(InvalidValueError):
        environments.versions("train", EnvironmentQuery(**query))


def test_everybody_gets_the_lock_that_was_kept_first(environments, store):
    made = environments.register("train", new())
    first = Lock(kind="resolved", platform=PLATFORM, python="3.11", packages=(), spec=made.digest)
    kept = keep(environments, store, first)
    later = structs.replace(first, resolver="uv 9")
    assert keep(environments, store, later) == kept == environments.get_lock("train", 1, PLATFORM)
    assert Lock.from_json(store.blobs.read(kept.sha256)) == first
    assert keep(environments, store, later, replace=True).sha256 != kept.sha256


def test_a_lock_of_something_else_is_refused(environments, store):
    made = environments.register("train", new())
    lock = Lock(kind="resolved", platform=PLATFORM, python="3.11", packages=(), spec=made.digest)
    for other in ({"spec": "0" * 64}, {"kind": "recorded"}):
        with pytest.raises(InvalidValueError, match="is needed"):
            keep(environments, store, structs.replace(lock, **other))
    with pytest.raises(InvalidValueError, match="not a lock"):
        environments.keep_lock("train", 1, PLATFORM, NewEnvironmentLock(sha256=store.blobs.put(b"{}")))


def test_a_lock_that_nobody_kept_is_not_found(environments):
    environments.register("train", new())
    with pytest.raises(NotFoundError, match=PLATFORM):
        environments.get_lock("train", 1, PLATFORM)
