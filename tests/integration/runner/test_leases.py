"""Holders that are killed, stopped and revived: nobody writes twice, nothing is left, nothing is lost."""

from pathlib import Path

import pytest
from tests.integration.runner.conftest import FULL, Run
from tests.integration.runner.ladder import Ladder, build, faults, raise_tops, rungs

from modelyard.runner.holder import Holder
from modelyard.runner.leases import Leases
from modelyard.runner.runner import Pace, Runner
from modelyard.store.store import Store

LADDERS = ("one", "two", "three", "four")
KILLS = 1000 if FULL else 50
STOPS = 200 if FULL else 20
on_both = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)


@on_both
def test_work_of_killed_runners_is_finished_with_every_rung_written_once(forks: Run, store: Store) -> None:
    forks("kills", KILLS, "seed", ladders=LADDERS, top=10**6)
    by_the_killed = sum(len(rungs(store.database, name)) for name in LADDERS)
    raise_tops(store.database, more=3)

    Runner(Leases(store), [Ladder(store)], "last", Pace(ttl=0.2, look=0.01, idle=0.0)).run()

    assert [fault for name in LADDERS for fault in faults(store.database, name)] == []
    assert sum(len(rungs(store.database, name)) for name in LADDERS) == by_the_killed + 3 * len(LADDERS)
    assert by_the_killed > KILLS // 2  # the kills fell among work


@on_both
def test_a_revived_holder_writes_nothing(forks: Run, store: Store) -> None:
    said = forks("stops", STOPS, "fenced", ladders=("one",), top=10**6)

    assert said == ["refused"] * STOPS
    assert faults(store.database, "one") == []
    assert len(rungs(store.database, "one")) == STOPS


@on_both
def test_without_a_fence_a_revived_holder_writes_a_second_time(forks: Run, store: Store) -> None:
    said = forks("stops", 5, "open", ladders=("one",), top=10**6)

    assert said == ["written"] * 5
    assert faults(store.database, "one") != []


@on_both
def test_two_runners_never_carry_out_steps_of_one_thing_at_a_time(forks: Run, root: Path, store: Store) -> None:
    for turn in range(10):  # one that is quick may have done it all before the others have looked
        ladders = tuple(f"{name}{turn}" for name in LADDERS)
        ended = forks("share", 3, ladders=ladders, top=60)

        climbed = [rungs(store.database, name) for name in ladders]
        assert ended == ["0 0 0"]
        assert not (root / "clash").exists()
        assert [[number for number, _, _ in one] for one in climbed] == [[*range(1, 61)]] * 4
        if len({pid for one in climbed for _, _, pid in one}) > 1:
            return
    pytest.fail("they never shared the work")


def test_steps_of_one_thing_at_a_time_would_be_seen(root: Path, store: Store) -> None:
    build(store.database, ["one"], 2)
    lease = Holder(Leases(store), "me").acquire("ladder:one")
    assert lease is not None

    Ladder(store, lambda key: Ladder(store).step(key, lease)).step("one", lease)

    assert (root / "clash").exists()


def test_work_that_is_added_as_a_runner_ends_is_never_left(forks: Run) -> None:
    left = forks("late", 500 if FULL else 60, ladders=("one",), top=0)

    assert left == []
