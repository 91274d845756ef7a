from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import StateError
from modelyard.tracking.status import FINAL, MISSED, ORDER, Status, as_read, check_change, may_follow

STATUSES = get_args(Status)
status = st.sampled_from(STATUSES)


@given(status, status)
def test_a_final_status_is_followed_by_none(now: Status, then: Status) -> None:
    if now in FINAL:
        assert not may_follow(now, then)


@given(st.lists(status, max_size=30))
def test_however_a_run_is_pushed_it_goes_forwards_and_ends_once(asked: list[Status]) -> None:
    now: Status = "NotStarted"
    went = [now]
    for then in asked:
        if may_follow(now, then):
            now = then
            went.append(now)
    stages = [ORDER.index(one) for one in went if one in ORDER]
    assert stages == sorted(set(stages))
    assert sum(one in FINAL for one in went) <= 1
    assert "NotResponding" not in went


@given(status, status)
def test_the_check_and_the_question_agree(now: Status, then: Status) -> None:
    if may_follow(now, then):
        check_change("e_1", now, then)
    else:
        with pytest.raises(StateError, match=then):
            check_change("e_1", now, then)


@pytest.mark.parametrize("now", [*ORDER, "CancelRequested"])
def test_every_status_on_the_way_can_end_in_each_way(now: Status) -> None:
    assert all(may_follow(now, end) for end in FINAL)


@given(status, st.floats(0.1, 1e4), st.floats(0, 1e9), st.floats(0, 1e6))
def test_a_run_reads_as_silent_after_the_missed_intervals(
    recorded: Status, interval: float, last: float, passed: float
) -> None:
    read = as_read(recorded, interval, last, last + passed)
    if recorded in FINAL:
        assert read == recorded
    elif last < last + passed - MISSED * interval:
        assert read == "NotResponding"
    else:
        assert read == recorded


def test_a_running_run_that_never_gave_a_sign_is_silent() -> None:
    assert as_read("Running", 10.0, None, 0.0) == "NotResponding"
    assert as_read("Queued", 10.0, None, 0.0) == "Queued"
    assert as_read("Running", None, None, 1e9) == "Running"
