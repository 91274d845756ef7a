"""A holder by a clock of the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from modelyard.runner.errors import LeaseLostError
from modelyard.runner.holder import Holder
from modelyard.runner.lease import LeaseInfo, LeaseQuery, RenewLease
from modelyard.runner.leases import Leases
from modelyard.store.store import Store

KEY = "job:one"


class Flaky(Leases):
    """Leases whose renewals fail when the test wants it."""

    fails = False

    def renew(self, key: str, sign: RenewLease) -> LeaseInfo:
        """Renew, or fail as a database that cannot be reached does."""
        if self.fails:
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        return super().renew(key, sign)


class Time:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[Flaky]:
    store = Store.open(tmp_path)
    yield Flaky(store)
    store.close()


@pytest.fixture
def time() -> Time:
    return Time()


def _holder(leases: Leases, name: str, time: Time) -> Holder:
    return Holder(leases, name, ttl=10.0, clock=time)


def test_a_lease_that_is_renewed_stays(leases: Flaky, time: Time) -> None:
    holder, other = _holder(leases, "a", time), _holder(leases, "b", time)
    lease = holder.acquire(KEY)
    for _ in range(10):
        time.now += 9.0
        assert other.acquire(KEY) is None
        holder.renew()
        lease.check()


def test_a_lease_that_cannot_be_renewed_is_lost_when_its_time_is_over(leases: Flaky, time: Time) -> None:
    holder = _holder(leases, "a", time)
    lease = holder.acquire(KEY)
    leases.fails = True
    time.now += 9.9
    holder.renew()
    lease.check()

    time.now += 0.1
    with pytest.raises(LeaseLostError):
        lease.check()


def test_a_lost_lease_stays_lost_though_nobody_took_it(leases: Flaky, time: Time) -> None:
    holder = _holder(leases, "a", time)
    lease = holder.acquire(KEY)
    time.now += 11.0
    holder.renew()

    assert lease.is_lost
    assert leases.list(LeaseQuery()).items[0].beat == 0


def test_a_failing_database_is_survived_within_the_time(leases: Flaky, time: Time) -> None:
    holder = _holder(leases, "a", time)
    lease = holder.acquire(KEY)
    leases.fails = True
    time.now += 8.0
    holder.renew()
    leases.fails = False
    holder.renew()
    time.now += 9.0

    lease.check()


def test_a_released_lease_cannot_be_used_and_is_free(leases: Flaky, time: Time) -> None:
    holder = _holder(leases, "a", time)
    lease = holder.acquire(KEY)
    holder.release(lease)

    with pytest.raises(LeaseLostError):
        lease.check()
    assert _holder(leases, "b", time).acquire(KEY).token == 2


def test_what_others_hold_is_looked_at_a_few_times_in_its_time(
    leases: Flaky, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    _holder(leases, "a", time).acquire(KEY)
    other, asked = _holder(leases, "b", time), []
    acquire = leases.acquire
    monkeypatch.setattr(leases, "acquire", lambda *given: asked.append(time.now) or acquire(*given))
    while other.acquire(KEY) is None:
        time.now += 0.25

    assert asked == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_a_taker_over_asks_again_after_its_time_has_begun_anew(leases: Flaky, time: Time) -> None:
    holder, other = _holder(leases, "a", time), _holder(leases, "b", time)
    holder.acquire(KEY)
    assert other.acquire(KEY) is None
    time.now += 5.0
    holder.renew()
    time.now += 5.0
    assert other.acquire(KEY) is None
    time.now += 9.0
    assert other.acquire(KEY) is None

    time.now += 1.0
    assert other.acquire(KEY) is not None
