"""Several pieces of work at a time."""

import threading

import pytest

from modelyard.images.oci.side_by_side import AT_ONCE, Stop, StoppedError, side_by_side


def test_everything_is_done_several_at_a_time() -> None:
    together, done = threading.Barrier(AT_ONCE, timeout=30), []

    def work(number: int) -> None:
        together.wait()
        done.append(number)

    side_by_side(work, range(AT_ONCE * 2), Stop())

    assert sorted(done) == list(range(AT_ONCE * 2))


def test_the_first_failure_ends_the_others_and_is_raised() -> None:
    stop, begun = Stop(), []

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise ValueError("the first")
        stop.pause(60)

    with pytest.raises(ValueError, match="the first"):
        side_by_side(work, range(100), stop)

    assert len(begun) <= AT_ONCE + 1
    with pytest.raises(StoppedError):
        stop.check()
