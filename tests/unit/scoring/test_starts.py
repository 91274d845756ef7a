"""How often a start may fail."""

import pytest

from modelyard_scoring.starts import FailedStarts


@pytest.fixture
def starts():
    return FailedStarts()


def test_the_first_start_is_given_up_at_once_when_nobody_serves(starts):
    assert starts.give_up(served=0, serving=0, workers=1, now=5.0)


def test_the_first_start_of_several_workers_is_given_up_at_the_third_failure(starts):
    said = [starts.give_up(served=1, serving=1, workers=2, now=5.0) for _ in range(3)]
    assert said == [False, False, True]


def test_later_starts_may_fail_for_half_a_minute(starts):
    said = [starts.give_up(served=1, serving=0, workers=1, now=100.0 + second) for second in range(0, 40, 5)]
    assert said == [False] * 6 + [True] * 2


def test_slow_starts_are_tried_three_times(starts):
    said = [starts.give_up(served=2, serving=1, workers=2, now=100.0 * turn) for turn in range(3)]
    assert said == [False, False, True]


def test_a_start_that_does_not_fail_begins_the_count_anew(starts):
    said = [starts.give_up(served=turn, serving=0, workers=1, now=100.0 * turn) for turn in range(1, 9)]
    assert said == [False] * 8
