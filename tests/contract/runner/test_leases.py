"""Leases, in every way that a workspace is reached: one holder at a time, and tokens that never come again."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.contract.conftest import fresh

from modelyard.backend.backend import Backend
from modelyard.backend.embedded import open_embedded
from modelyard.errors import InvalidNameError, InvalidValueError
from modelyard.runner.errors import LeaseHeldError, LeaseLostError
from modelyard.runner.lease import AcquireLease, LeaseInfo, LeaseQuery, ReleaseLease, RenewLease
from modelyard.runner.leases import fence

KEY = "rollout:digits"


def _acquire(backend: Backend, holder: str, seen: LeaseInfo | None = None) -> LeaseInfo:
    token, beat = (seen.token, seen.beat) if seen else (None, None)
    return backend.leases.acquire(KEY, AcquireLease(holder=holder, ttl=3.0, token=token, beat=beat))


def test_tokens_grow_with_every_taking_and_after_every_release(backend: Backend) -> None:
    tokens = []
    for _ in range(3):
        tokens.append(_acquire(backend, "a").token)
        backend.leases.release(KEY, ReleaseLease(token=tokens[-1]))

    assert tokens == [1, 2, 3]


def test_a_held_lease_is_refused_with_what_was_seen_of_its_holder(backend: Backend) -> None:
    held = _acquire(backend, "a")
    backend.leases.renew(KEY, RenewLease(token=held.token))

    with pytest.raises(LeaseHeldError, match="held by a") as refused:
        _acquire(backend, "b")

    assert refused.value.facts == {"key": KEY, "holder": "a", "token": 1, "beat": 1, "ttl": 3.0}


def test_a_lease_that_stood_still_is_taken_over(backend: Backend) -> None:
    held = _acquire(backend, "a")

    taken = _acquire(backend, "b", seen=held)

    assert (taken.holder, taken.token, taken.beat) == ("b", 2, 0)


def test_a_lease_that_has_moved_is_not_taken_over(backend: Backend) -> None:
    held = _acquire(backend, "a")
    backend.leases.renew(KEY, RenewLease(token=held.token))

    with pytest.raises(LeaseHeldError):
        _acquire(backend, "b", seen=held)


def test_who_was_taken_over_can_neither_renew_nor_release(backend: Backend) -> None:
    held = _acquire(backend, "a")
    taken = _acquire(backend, "b", seen=held)

    with pytest.raises(LeaseLostError, match="token 1"):
        backend.leases.renew(KEY, RenewLease(token=held.token))
    with pytest.raises(LeaseLostError):
        backend.leases.release(KEY, ReleaseLease(token=held.token))

    assert backend.leases.list(LeaseQuery()).items == (taken,)


@pytest.mark.parametrize("key", ["rollout:never", KEY])
def test_what_is_not_held_can_be_neither_renewed_nor_released(backend: Backend, key: str) -> None:
    backend.leases.release(KEY, ReleaseLease(token=_acquire(backend, "a").token))

    with pytest.raises(LeaseLostError):
        backend.leases.renew(key, RenewLease(token=1))
    with pytest.raises(LeaseLostError):
        backend.leases.release(key, ReleaseLease(token=1))


def test_failures_are_counted_and_kept_until_a_step_succeeds(backend: Backend) -> None:
    held = _acquire(backend, "a")
    for reason in ("first", "second" + "x" * 3000):
        backend.leases.renew(KEY, RenewLease(token=held.token, reason=reason))
    backend.leases.renew(KEY, RenewLease(token=held.token))
    backend.leases.release(KEY, ReleaseLease(token=held.token))

    (listed,) = backend.leases.list(LeaseQuery()).items
    assert (listed.holder, listed.failures, listed.reason[:7], len(listed.reason)) == (None, 2, "secondx", 2000)

    again = _acquire(backend, "b")
    assert (again.failures, again.reason) == (2, listed.reason)
    assert backend.leases.renew(KEY, RenewLease(token=again.token, reason="")).failures == 0


def test_a_free_lease_without_failures_is_not_listed(backend: Backend) -> None:
    backend.leases.release(KEY, ReleaseLease(token=_acquire(backend, "a").token))

    assert backend.leases.list(LeaseQuery()).items == ()


def test_pages_join_to_the_whole_list(backend: Backend) -> None:
    keys = [f"job:{number}" for number in range(5)]
    for key in keys:
        backend.leases.acquire(key, AcquireLease(holder="a"))

    first = backend.leases.list(LeaseQuery(limit=3))
    rest = backend.leases.list(LeaseQuery(limit=3, cursor=first.cursor))

    assert [one.key for one in (*first.items, *rest.items)] == keys
    assert rest.cursor is None


@pytest.mark.parametrize("ttl", [0.0, -1.0, 3601.0, 1e300])
def test_a_time_that_cannot_be_is_refused(backend: Backend, ttl: float) -> None:
    with pytest.raises(InvalidValueError, match="ttl"):
        backend.leases.acquire(KEY, AcquireLease(holder="a", ttl=ttl))


@pytest.mark.parametrize("key", ["digits", "rollout:", ":digits", "rollout:a:b", "roll out:a"])
def test_a_key_is_a_kind_and_a_name(backend: Backend, key: str) -> None:
    with pytest.raises(InvalidNameError):
        backend.leases.acquire(key, AcquireLease(holder="a"))


@pytest.mark.parametrize("silent", [False, True], ids=["free", "silent"])
def test_of_eight_who_want_it_at_once_one_gets_it(opens: Callable[[], Backend], backend: Backend, silent: bool) -> None:
    seen = _acquire(backend, "a") if silent else None
    barrier = threading.Barrier(8)

    def contend(number: int) -> int:
        own = opens()
        barrier.wait()
        try:
            return _acquire(own, f"holder {number}", seen).token
        except LeaseHeldError:
            return 0
        finally:
            own.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(contend, range(8))) == [0] * 7 + [2 if silent else 1]


@pytest.fixture(params=["sqlite", "postgres"])
def local(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    with fresh(request.param, request, tmp_path) as opening:
        backend = opening()
        yield backend
        backend.close()


def test_a_fence_lets_the_newest_holder_pass_alone(local: Backend) -> None:
    held = _acquire(local, "a")
    taken = _acquire(local, "b", seen=held)
    database = local.leases._store.database

    with database.write():
        fence(database, KEY, taken.token)
    for token in (held.token, taken.token + 1, 0):
        with pytest.raises(LeaseLostError), database.write():
            fence(database, KEY, token)


def test_a_fence_refuses_who_has_released(local: Backend) -> None:
    held = _acquire(local, "a")
    local.leases.release(KEY, ReleaseLease(token=held.token))
    database = local.leases._store.database

    with pytest.raises(LeaseLostError), database.write():
        fence(database, KEY, held.token)


def test_a_fence_outside_the_transaction_that_writes_is_a_bug_that_is_said(local: Backend) -> None:
    held = _acquire(local, "a")
    database = local.leases._store.database

    with pytest.raises(RuntimeError, match="open it first"):
        fence(database, KEY, held.token)
    with pytest.raises(RuntimeError, match="cannot turn to writing"), database.read():
        fence(database, KEY, held.token)


def test_nobody_takes_a_lease_between_a_fence_and_the_end_of_its_transaction(local: Backend) -> None:
    held = _acquire(local, "a")
    database = local.leases._store.database
    said: list[str] = []

    def contend() -> None:
        try:
            said.append(f"token {_acquire(local, 'b', seen=held).token}")
        except LeaseHeldError as refused:
            said.append(f"held by {refused.holder}")

    contender = threading.Thread(target=contend)
    with database.write():
        fence(database, KEY, held.token)
        contender.start()
        contender.join(0.3 if database.is_sqlite else 60)
        assert said == ([] if database.is_sqlite else ["held by a"])  # SQLite has it wait, PostgreSQL need not
    contender.join()

    assert said == (["token 2"] if database.is_sqlite else ["held by a"])
    assert database.is_sqlite or _acquire(local, "b", seen=held).token == 2


def test_postgres_ends_the_transaction_of_a_holder_that_is_stopped_within_it(
    empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelyard.store.database.IDLE_TIMEOUT", 1.0)
    backend = open_embedded(tmp_path, empty_postgres_url)
    held = _acquire(backend, "a")
    database = backend.leases._store.database

    def write_late() -> None:
        with database.write() as connection:
            fence(database, KEY, held.token)
            time.sleep(2.5)
            connection.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError, match="idle-in-transaction"):
        write_late()

    assert _acquire(backend, "b", seen=held).token == 2
    backend.close()
