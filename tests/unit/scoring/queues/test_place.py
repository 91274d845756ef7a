"""A model moves between the loop and a thread as its runs become longer or shorter."""

import pytest

from modelyard_scoring.queues.place import Place
from modelyard_scoring.queues.startup import LONG


class Lane:
    recent = None
    submit = "as it began"

    def place(self, submit):
        self.submit = submit


class Threads:
    submit = "thread"


class Counters:
    def placed(self, *, in_thread, seconds):
        self.seen = in_thread, seconds


@pytest.fixture
def lane():
    return Lane()


@pytest.fixture
def counters():
    return Counters()


def test_nothing_moves_before_there_was_a_run(lane, counters):
    Place(lane, Threads(), counters, in_thread=False).reconsider()
    assert lane.submit == "as it began"


@pytest.mark.parametrize(
    ("in_thread", "recent", "then"),
    [(False, LONG * 1.1, True), (False, LONG * 0.9, False), (True, LONG * 0.9, True), (True, LONG * 0.1, False)],
)
def test_a_model_moves_only_when_its_runs_are_far_from_fitting(lane, counters, in_thread, recent, then):
    place = Place(lane, Threads(), counters, in_thread=in_thread)
    lane.recent = recent
    place.reconsider()
    assert place.in_thread == then
    assert lane.submit == ("as it began" if then == in_thread else "thread" if then else None)
    assert counters.seen == (then, recent)
