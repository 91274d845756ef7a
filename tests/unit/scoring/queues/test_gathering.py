"""Who was answered may ask again before the next run, but nobody is waited for long."""

import pytest

from modelyard_scoring.queues.gathering import Gathering


@pytest.fixture
def after_a_second():
    """Wait for three requests after a run of a second, which ended at the time 10."""
    gathering = Gathering()
    gathering.begin(3, 1.0, 10.0)
    return gathering


def test_nobody_is_waited_for_before_a_run():
    assert not Gathering().goes_on(1, 10.0)


def test_it_ends_when_all_are_there(after_a_second):
    assert after_a_second.goes_on(1, 10.0)
    assert after_a_second.goes_on(2, 10.0001)
    assert not after_a_second.goes_on(3, 10.0002)


def test_it_ends_when_nobody_comes(after_a_second):
    assert after_a_second.goes_on(1, 10.0)
    assert after_a_second.goes_on(1, 10.0019)
    assert not after_a_second.goes_on(1, 10.0021)


def test_each_that_comes_gives_the_others_time_until_the_last_moment(after_a_second):
    assert after_a_second.goes_on(1, 10.009)
    assert after_a_second.goes_on(2, 10.0095)
    assert not after_a_second.goes_on(2, 10.01001)


def test_after_a_short_run_it_is_short(after_a_second):
    after_a_second.begin(3, 0.01, 10.0)
    assert after_a_second.goes_on(1, 10.0)
    assert not after_a_second.goes_on(1, 10.0003)


def test_who_comes_long_after_a_run_waits_for_nobody(after_a_second):
    assert not after_a_second.goes_on(1, 11.0)
