"""How many nodes a compute target has, as jobs come and go."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.compute.pool import NewCompute, Nodes, Use, nodes, slots, used
from modelyard.errors import InvalidValueError

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
POOL = NewCompute(min_nodes=1, max_nodes=4, idle_seconds_before_scaledown=60)


def _after(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def test_a_pool_grows_with_what_waits_and_shrinks_when_it_is_idle() -> None:
    idle = Use(nodes=1, changed=START)
    assert nodes(POOL, idle, START) == Nodes(current=1, target=1, running=0)

    queued = used(POOL, idle, 0, 9, _after(1))
    assert nodes(POOL, queued, _after(1)) == Nodes(current=1, target=4, running=0)

    busy = used(POOL, queued, 4, 5, _after(2))
    assert nodes(POOL, busy, _after(1000)) == Nodes(current=4, target=4, running=4)

    done = used(POOL, busy, 0, 0, _after(1000))
    assert nodes(POOL, done, _after(1059)) == Nodes(current=4, target=4, running=0)
    assert nodes(POOL, done, _after(1060)) == Nodes(current=1, target=1, running=0)


def test_what_is_there_neither_grows_nor_shrinks() -> None:
    attached = NewCompute(type="Local", max_nodes=3)
    assert nodes(attached, Use(running=1, waiting=7, changed=START), START) == Nodes(current=3, target=3, running=1)
    assert slots(NewCompute(type="Local")) >= 1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.floats(0, 200))))
def test_there_are_never_fewer_nodes_than_run_jobs_nor_more_than_may_be(changes: list[tuple[int, int, float]]) -> None:
    use, now = Use(changed=START), START
    for running, waiting, seconds in changes:
        now += dt.timedelta(seconds=seconds)
        use = used(POOL, use, running, waiting, now)
        seen = nodes(POOL, use, now)
        assert max(POOL.min_nodes, running) <= seen.current <= seen.target <= POOL.max_nodes


@pytest.mark.parametrize(
    "wrong",
    [{"min_nodes": -1}, {"max_nodes": -1}, {"min_nodes": 3, "max_nodes": 2}, {"idle_seconds_before_scaledown": -0.1},
     {"idle_seconds_before_scaledown": float("nan")}, {"tags": {"": "x"}}],
)  # fmt: skip
def test_a_pool_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError):
        NewCompute(**wrong).check()  # type: ignore[arg-type]
