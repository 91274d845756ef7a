"""How a revision comes into traffic: stages, each with a share of the requests, and what it must show there.

The defaults are argued for in ``docs/explanation/rollouts.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Self

from msgspec import Struct

from modelyard.errors import InvalidValueError

PolicyKind = Literal["all-at-once", "blue-green", "canary", "mirror", "manual"]

STEPS = (10, 50)
"""Percents before everything: a tenth shows what breaks at little cost, a half whether the new one bears load."""
SOAK = 60.0
"""Seconds of a stage: by then caches are warm, and what queues up has done so."""
STANDBY = 600.0
"""Seconds that the old revision stays: what a rollout cannot see, people have to see."""


class Stage(Struct, frozen=True, kw_only=True):
    """One step of a rollout.

    Parameters
    ----------
    weight
        The percent of the requests that the new revision answers, 0 to 100.
    mirror
        The percent of the requests of which copies go to both revisions, for their answers to be compared; only while
        it answers none itself (`weight` 0).
    soak
        Seconds that the stage lasts at least.

    Raises
    ------
    InvalidValueError
        If a percent is not 0 to 100, a time is negative or has no end, or a stage with weight is mirrored.
    """

    weight: int
    mirror: float = 0.0
    soak: float = 0.0

    def __post_init__(self) -> None:
        _check_range("weight", self.weight, 100, "a percent")
        _check_range("mirror", self.mirror, 100, "a percent")
        _check_seconds("soak", self.soak)
        if self.mirror and self.weight:
            raise InvalidValueError(f"mirror {self.mirror:g}", f"only a stage of weight 0 has it, not {self.weight}")


class Policy(Struct, frozen=True, kw_only=True):
    """How a revision comes into traffic, and what makes it go back.

    Parameters
    ----------
    kind
        What people call it.
    stages
        What is gone through in this order; weights never fall, and the last is 100.
    manual
        Whether a stage ends only when somebody promotes it. It is judged all the same: what fails goes back by itself.
    samples
        Answers of the new revision that a stage waits for. By 500 the first stage of a canary finds 99 of 100 revisions
        that fail five answers in a hundred where the old one fails none, and returns hardly one that is as good.
    error_share
        How much larger than the old revision's its share of failed answers (5xx) may be, 0 to 1; one in a hundred, as
        other tools have it.
    slower
        How many times the old revision's p99 an answer may take before it counts as slow, 1 or more. Twice leaves room
        for a machine that does other things as well.
    differing
        The share of copies that it may answer otherwise than the old one, 0 to 1. A model that was trained anew answers
        otherwise by design: give it the share that you expect, or 1.
    patience
        Seconds, counted from the end of `soak`, that a stage waits for `samples`.
    few
        What comes of a stage that has too few answers even then: ``return``, as the revision has not proved itself, or
        ``go on`` with what there is, for a service that is hardly used; what fails is found by its failures then.
    standby
        Seconds that the old revision goes on running after the last stage, so that a rollback need not start it.
    gate
        The load test that the new revision must pass before it gets any traffic; None for none.

    Raises
    ------
    InvalidValueError
        If one of them is not as said here.
    """

    kind: PolicyKind
    stages: tuple[Stage, ...]
    manual: bool = False
    samples: int = 500
    error_share: float = 0.01
    slower: float = 2.0
    differing: float = 0.01
    patience: float = 600.0
    few: Literal["return", "go on"] = "return"
    standby: float = STANDBY
    gate: str | None = None

    def __post_init__(self) -> None:
        _check_weights([stage.weight for stage in self.stages])
        if self.samples < 1:
            raise InvalidValueError(f"samples {self.samples}", "it is 1 or more")
        if not (self.slower >= 1 and math.isfinite(self.slower)):
            raise InvalidValueError(f"slower {self.slower:g}", "it is how many times the old p99, 1 or more")
        _check_range("error_share", self.error_share, 1, "a share")
        _check_range("differing", self.differing, 1, "a share")
        _check_seconds("patience", self.patience)
        _check_seconds("standby", self.standby)
        if self.gate is not None and not self.gate.strip():
            raise InvalidValueError("gate ''", "name a load test, or leave it out")

    @classmethod
    def all_at_once(cls) -> Self:
        """Switch to the new revision when it is ready and answers its sample; the old one ends then."""
        return cls(kind="all-at-once", stages=(Stage(weight=100),), patience=0.0, standby=0.0)

    @classmethod
    def blue_green(cls, *, soak: float = SOAK) -> Self:
        """Switch at once, and keep the old revision running: the new one is judged by all requests for `soak` s."""
        return cls(kind="blue-green", stages=(Stage(weight=100, soak=soak),))

    @classmethod
    def canary(cls, steps: Sequence[int] = STEPS, *, soak: float = SOAK) -> Self:
        """Go by percents of the requests, at each for `soak` seconds; 100 comes last, named or not."""
        return cls(kind="canary", stages=_steps(steps, soak))

    @classmethod
    def mirror(cls, *, percent: float = 10.0, soak: float = SOAK) -> Self:
        """Compare the answers to copies of some requests, then switch.

        Each copy is answered by both revisions, so the old one has `percent` more to do.
        """
        stages = (Stage(weight=0, mirror=percent, soak=soak), Stage(weight=100, soak=soak))
        return cls(kind="mirror", stages=stages)

    @classmethod
    def by_hand(cls, steps: Sequence[int] = STEPS) -> Self:
        """Go by percents of the requests, from one to the next when somebody promotes."""
        return cls(kind="manual", stages=_steps(steps, 0.0), manual=True)


def _steps(steps: Sequence[int], soak: float) -> tuple[Stage, ...]:
    weights = steps if 100 in steps else (*steps, 100)
    return tuple(Stage(weight=weight, soak=soak) for weight in weights)


def _check_weights(weights: Sequence[int]) -> None:
    told = ", ".join(map(str, weights))
    if weights[-1:] != [100]:
        raise InvalidValueError(f"The stages have the weights ({told})", "the last one has 100")
    if any(later < earlier for earlier, later in pairwise(weights)):
        raise InvalidValueError(f"The stages have the weights ({told})", "none is below the one before it")


def _check_range(name: str, value: float, most: float, kind: str) -> None:
    if not 0 <= value <= most:
        raise InvalidValueError(f"{name} {value:g}", f"it is {kind}, 0 to {most:g}")


def _check_seconds(name: str, value: float) -> None:
    if not (value >= 0 and math.isfinite(value)):
        raise InvalidValueError(f"{name} {value:g}", "it is seconds, 0 or more")
