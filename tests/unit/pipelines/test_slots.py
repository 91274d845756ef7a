from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from modelyard.pipelines.slots import dealt

_OTHERS = st.lists(st.builds(lambda running, queued: Counter(running=running, queued=queued), *[st.integers(0, 9)] * 2))


def _other(running: int, queued: int) -> Counter[str]:
    return Counter(running=running, queued=queued)


def test_a_run_alone_has_what_is_free() -> None:
    assert dealt(4, 0, 9, []) == 4
    assert dealt(4, 0, 2, []) == 2
    assert dealt(4, 0, 9, [_other(3, 0)]) == 4


def test_a_slot_is_left_to_a_run_with_fewer() -> None:
    assert dealt(1, 1, 9, [_other(0, 1)]) == 0
    assert dealt(1, 1, 9, [_other(1, 1)]) == 1
    assert dealt(7, 1, 9, [_other(0, 2)]) == 5


@given(st.integers(-3, 9), st.integers(0, 9), st.integers(0, 9), _OTHERS)
def test_no_more_is_given_than_is_free_and_nothing_is_kept_back_that_nobody_wants(
    free: int, running: int, wanted: int, others: list[Counter[str]]
) -> None:
    asked = sum(one["queued"] for one in others)
    given = dealt(free, running, wanted, others)

    assert 0 <= given <= min(max(free, 0), wanted)
    assert given >= min(wanted, free - asked)
