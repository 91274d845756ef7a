"""Trying again: bounded, longer apart each time, and anew when it got further."""

import pytest

from modelyard.errors import ModelyardError
from modelyard.images.oci.patience import PassingError, Patience


class Work:
    """Fails as often as it is told, each time a little further on or not."""

    def __init__(self, failures: int, *, after: float = 0.0, step: int = 0) -> None:
        self.left, self.after, self.step = failures, after, step
        self.done, self.pauses = 0, []

    def attempt(self) -> str:
        if self.left:
            self.left -= 1
            self.done += self.step
            raise PassingError(ModelyardError(f"{self.left} left"), self.after)
        return "done"

    def go(self, patience: Patience) -> str:
        return patience.keep_trying(self.attempt, progress=lambda: self.done, pause=self.pauses.append)


def test_what_passes_is_tried_again_each_time_later() -> None:
    work = Work(4)

    assert work.go(Patience(tries=5, wait=1.0, longest=5.0)) == "done"
    assert work.pauses == [1.0, 2.0, 4.0, 5.0]


def test_after_the_last_try_the_reason_is_told() -> None:
    with pytest.raises(ModelyardError, match=r"^5 left$"):
        Work(9).go(Patience(tries=4))


def test_what_gets_further_each_time_is_tried_as_long_as_it_does() -> None:
    assert Work(100, step=1).go(Patience(tries=2)) == "done"


def test_the_other_side_may_ask_for_more_time_but_not_for_any() -> None:
    work = Work(1, after=7.0)
    work.go(Patience(wait=1.0))
    greedy = Work(1, after=3600.0)
    greedy.go(Patience(longest=30.0))

    assert (work.pauses, greedy.pauses) == ([7.0], [30.0])
