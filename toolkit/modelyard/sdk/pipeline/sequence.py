"""Steps that run one after the other."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from modelyard.sdk.pipeline.step import steps_of


class StepSequence:
    """Steps that run one after the other, though nothing flows between them; those of a list within run side by side.

    Parameters
    ----------
    steps
        Steps, lists of steps, and sequences.
    """

    def __init__(self, steps: list[Any] | tuple[Any, ...]) -> None:
        self.steps = list(steps)
        for before, after in pairwise(self.steps):
            for step in steps_of(after):
                step.run_after(before)

    def run_after(self, step: Any) -> None:
        """Wait for a step, or for all steps of a list or a sequence."""
        for first in steps_of(self.steps[:1]):
            first.run_after(step)
