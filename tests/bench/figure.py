"""What is measured, in which unit, and what it has to reach."""

import operator
import statistics
from collections.abc import Mapping, Sequence

from msgspec import Struct

OURS, PEER = "Modelyard", "MLflow"


class Target(Struct, frozen=True, kw_only=True):
    """What a figure has to reach: a bound, or so many times what another contestant reaches."""

    bound: float
    beside: str | None = None


class Figure(Struct, frozen=True, kw_only=True):
    """One thing that is measured, of every contestant alike.

    Parameters
    ----------
    name
        What programs call it.
    more
        More is better, as with a rate.
    targets
        What we have to reach.
    """

    name: str
    title: str
    unit: str
    more: bool
    targets: tuple[Target, ...] = ()

    def times_as_good(self, ours: float, theirs: float) -> float:
        """Say how many times as good one value is as another."""
        return ours / theirs if self.more else theirs / ours


class Result(Struct, frozen=True, kw_only=True):
    """What a figure came to: every value of each contestant, in the order of the rounds."""

    figure: Figure
    samples: dict[str, list[float]]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each contestant."""
        return {name: statistics.median(values) for name, values in self.samples.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as good we are as each of the others."""
        medians = self.medians
        ours = medians.get(OURS)
        if ours is None:
            return {}
        return {name: self.figure.times_as_good(ours, value) for name, value in medians.items() if name != OURS}

    def verdicts(self) -> list[tuple[Target, bool]]:
        """Say which targets are reached, of those that can be told."""
        return [(one, reached) for one in self.figure.targets if (reached := self._reached(one)) is not None]

    def _reached(self, target: Target) -> bool | None:
        if target.beside is not None:
            ratio = self.ratios.get(target.beside)
            return None if ratio is None else ratio >= target.bound
        ours = self.medians.get(OURS)
        compare = operator.ge if self.figure.more else operator.le
        return None if ours is None else bool(compare(ours, target.bound))


def results(figures: Sequence[Figure], samples: Mapping[tuple[str, str], list[float]]) -> list[Result]:
    """Put values, found by figure and contestant, together by figure."""
    found = []
    for figure in figures:
        mine = {contestant: values for (name, contestant), values in samples.items() if name == figure.name}
        if mine:
            found.append(Result(figure=figure, samples=mine))
    return found
