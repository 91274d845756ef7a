"""Readings, and what happened between two of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import NotFoundError
from modelyard.services.statistics import Latencies, RevisionStatistics, Statistics


def _reading(life="1", **answers: int) -> Statistics:
    counts = {0.001 * number: 1 for number in range(1, 1 + sum(answers.values()))}
    revision = RevisionStatistics(life=life, answers=answers, latencies=Latencies(counts=counts))
    return Statistics(service="digits", revisions={1: revision})


def test_the_difference_of_two_readings_is_what_happened_between() -> None:
    since = (_reading(**{"2xx": 10, "5xx": 3}) - _reading(**{"2xx": 4, "5xx": 1})).of(1)

    assert since.answers == {"2xx": 6, "5xx": 2}
    assert since.latencies.total == 8
    assert since.latencies.quantile(0.0) == 0.006


@pytest.mark.parametrize("count", [3, 9])
def test_what_is_counted_from_later_on_counts_whole(count: int) -> None:
    assert (_reading("2", **{"2xx": count}) - _reading("1", **{"2xx": 4})).of(1).answers == {"2xx": count}


def test_a_revision_that_is_new_has_all_its_counts() -> None:
    before = Statistics(service="digits", revisions={})

    assert (_reading(**{"2xx": 3}) - before).of(1).total == 3


def test_a_revision_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(NotFoundError, match="There are: 1"):
        _reading(**{"2xx": 3}).of(2)


def test_nothing_has_no_quantile() -> None:
    assert Latencies().quantile(0.99) is None


@given(st.lists(st.integers(1, 1000), min_size=1), st.floats(0, 1))
def test_a_quantile_is_a_time_that_this_share_did_not_exceed(times: list[int], share: float) -> None:
    counts = {float(time): times.count(time) for time in times}
    found = Latencies(counts=counts).quantile(share)

    assert found is not None
    assert sum(time <= found for time in times) >= share * len(times)
    assert sum(time < found for time in times) <= share * len(times)
