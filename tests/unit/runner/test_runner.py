"""The loop over reconcilers that the test makes."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelyard.runner.holder import Lease
from modelyard.runner.lease import AcquireLease, LeaseInfo, LeaseQuery
from modelyard.runner.leases import Leases
from modelyard.runner.runner import AT_ONCE, Pace, Runner, _told
from modelyard.store.store import Store

QUICK = Pace(look=0.001, idle=0.0, first=0.001, longest=0.002)


class Tasks:
    """Things that are due until their step returns None."""

    kind = "task"

    def __init__(self, names: list[str], step: Callable[[str, Lease], float | None] = lambda _name, _lease: None):
        self.left = list(names)
        self.steps: list[str] = []
        self._step = step

    def due(self) -> list[str]:
        return list(self.left)

    def step(self, key: str, lease: Lease) -> float | None:
        self.steps.append(key)
        wait = self._step(key, lease)
        if wait is None:
            self.left.remove(key)
        return wait


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[Leases]:
    store = Store.open(tmp_path)
    yield Leases(store)
    store.close()


def _listed(leases: Leases) -> tuple[LeaseInfo, ...]:
    return leases.list(LeaseQuery()).items


def test_everything_due_is_brought_about_and_nothing_stays_held(leases: Leases) -> None:
    tasks = Tasks([f"t{number}" for number in range(AT_ONCE + 10)])

    Runner(leases, [tasks], "me", QUICK).run()

    assert sorted(tasks.steps) == sorted(f"t{number}" for number in range(AT_ONCE + 10))
    assert _listed(leases) == ()


def test_steps_follow_each_other_until_nothing_is_left(leases: Leases) -> None:
    waits = iter([0.0, 0.001, 0.0, None])
    tasks = Tasks(["one"], lambda _name, _lease: next(waits))

    Runner(leases, [tasks], "me", QUICK).run()

    assert tasks.steps == ["one"] * 4


def test_a_step_that_raises_is_tried_again_with_its_reason_kept(leases: Leases) -> None:
    seen: list[tuple[int, str]] = []

    def step(_name: str, lease: Lease) -> float | None:
        seen.append((lease.failures, _listed(leases)[0].reason))
        if len(seen) < 4:
            raise ValueError(f"no {len(seen)}")
        return None

    Runner(leases, [Tasks(["one"], step)], "me", QUICK).run()

    assert seen == [(0, ""), (1, "ValueError: no 1"), (2, "ValueError: no 2"), (3, "ValueError: no 3")]
    assert _listed(leases) == ()


def test_what_another_has_done_before_the_lease_was_taken_is_not_done_again(leases: Leases) -> None:
    class Stale(Tasks):
        def due(self) -> list[str]:
            return [self.left.pop()] if self.left else []  # named for the last time

        def step(self, key: str, _lease: Lease) -> float | None:
            self.steps.append(key)
            return None

    tasks = Stale(["one"])
    Runner(leases, [tasks], "me", QUICK).run()

    assert tasks.steps == []
    assert _listed(leases) == ()


def test_what_fails_and_is_no_longer_due_is_let_go(leases: Leases) -> None:
    def step(_name: str, _lease: Lease) -> float | None:
        tasks.left.clear()  # as if it were deleted
        if len(tasks.steps) == 3:
            runner.stop()
        raise LookupError("it is no more")

    tasks = Tasks(["one"], step)
    runner = Runner(leases, [tasks], "me", QUICK)
    runner.run()

    assert tasks.steps == ["one"]
    assert _listed(leases) == ()


def test_a_reason_is_told_in_characters_that_any_database_keeps() -> None:
    assert _told(ValueError("a\0b\ud800")) == "ValueError: ab?"


@pytest.mark.parametrize(
    ("failures", "least", "most"), [(1, 0.5, 1.0), (4, 4.0, 8.0), (7, 30.0, 60.0), (999, 30.0, 60)]
)
def test_the_pause_after_failures_grows_to_a_bound_and_is_never_the_same(
    leases: Leases, failures: int, least: float, most: float
) -> None:
    pauses = {Runner(leases, [], "me")._pause(failures) for _ in range(100)}

    assert least <= min(pauses) <= max(pauses) <= most
    assert len(pauses) > 50


def test_one_kind_that_cannot_be_asked_does_not_stop_another(leases: Leases) -> None:
    class Broken(Tasks):
        kind = "broken"
        asked = refused = 0

        def due(self) -> list[str]:
            self.asked += 1
            if self.asked < 10 or tasks.left or runner._in_hand:  # however long the other takes
                self.refused += 1
                raise OSError("not now")
            return []

    broken, tasks = Broken([]), Tasks(["one"])
    runner = Runner(leases, [broken, tasks], "me", QUICK)
    runner.run()

    assert tasks.steps == ["one"]
    assert broken.asked >= 10
    assert broken.asked == broken.refused + 1  # it ended with the first answer


def test_a_runner_that_cannot_ask_for_long_says_why(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelyard.runner.runner._PATIENCE", 0.01)
    tasks = Tasks([])
    monkeypatch.setattr(tasks, "due", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        Runner(leases, [tasks], "me", QUICK).run()


def test_told_to_stop_it_ends_between_two_steps_and_releases(leases: Leases) -> None:
    def step(_name: str, _lease: Lease) -> float:
        runner.stop()
        return 0.05

    tasks = Tasks(["one"], step)
    runner = Runner(leases, [tasks], "me", Pace(look=0.001))
    runner.run()

    assert len(tasks.steps) >= 1
    assert _listed(leases) == ()
    assert runner.has_work()


def test_told_to_stop_it_does_not_wait_for_a_step_that_is_far_off(leases: Leases) -> None:
    tasks = Tasks(["one"], lambda _name, _lease: 3600.0)
    runner = Runner(leases, [tasks], "me", Pace(look=0.001))
    thread = threading.Thread(target=runner.run)
    thread.start()
    while not tasks.steps:
        threading.Event().wait(0.001)
    runner.stop()
    thread.join()

    assert tasks.steps == ["one"]


def test_woken_it_looks_and_carries_out_what_was_to_wait(leases: Leases) -> None:
    tasks = Tasks([], lambda _name, _lease: 3600.0 if len(tasks.steps) < 3 else None)
    runner = Runner(leases, [tasks], "me", Pace(look=3600.0, idle=0.0))
    runner.wake()  # before it waits: its next look is after that
    thread = threading.Thread(target=lambda: (tasks.left.append("one"), runner.run()))
    thread.start()
    while thread.is_alive():
        threading.Event().wait(0.01)
        runner.wake()

    assert tasks.steps == ["one"] * 3


def test_woken_it_does_not_try_again_what_has_failed(leases: Leases) -> None:
    def fail(_name: str, _lease: Lease) -> float | None:
        raise ValueError

    tasks = Tasks(["one"], fail)
    runner = Runner(leases, [tasks], "me", Pace(look=0.001, first=3600.0, longest=3600.0))
    thread = threading.Thread(target=runner.run)
    thread.start()
    while not (_listed(leases) and _listed(leases)[0].failures):
        threading.Event().wait(0.001)
    for _ in range(100):
        runner.wake()
        threading.Event().wait(0.001)
    runner.stop()
    thread.join()

    assert tasks.steps == ["one"]


def test_what_another_holds_is_left_to_it_and_is_not_nothing(leases: Leases) -> None:
    held = leases.acquire("task:one", AcquireLease(holder="another", ttl=0.02))
    tasks = Tasks(["one"])

    Runner(leases, [tasks], "me", Pace(look=0.001, idle=0.0, ttl=0.02)).run()

    assert tasks.steps == ["one"]  # after it had been silent for its time
    assert leases.acquire("task:one", AcquireLease(holder="me")).token == held.token + 2


def test_a_step_that_outlives_its_lease_is_abandoned(leases: Leases) -> None:
    def step(name: str, lease: Lease) -> float | None:
        if len(tasks.steps) > 1:
            return None
        leases._change("task:one", lease.token, {"holder": None})
        lease.lose()
        lease.check()
        return 0.0

    tasks = Tasks(["one"], step)
    Runner(leases, [tasks], "me", QUICK).run()

    assert tasks.steps == ["one", "one"]
    assert _listed(leases) == ()


def test_a_runner_may_run_again(leases: Leases) -> None:
    tasks = Tasks(["one"])
    runner = Runner(leases, [tasks], "me", QUICK)
    runner.run()
    tasks.left.append("two")
    runner.run()

    assert tasks.steps == ["one", "two"]
