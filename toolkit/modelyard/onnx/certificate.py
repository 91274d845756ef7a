"""The proof that goes with a converted model: what was tried, and how far the answers differed.

A difference is ``|a - b|`` divided by the largest of ``|a|``, ``|b|`` and the usual size of the output (1 for
probabilities, the median on the sample elsewhere). It is at most 2, and is 2 where one answer is a number and the
other is not.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct


class Tolerance(Struct, frozen=True, kw_only=True):
    """How far the answers may differ; a flipped label or a missing answer is never tolerated.

    Parameters
    ----------
    difference
        The largest difference, as defined at the top of this module.
    """

    difference: float = 1e-5


class Comparison(Struct, frozen=True, kw_only=True):
    """How the answers compare on one kind of rows.

    Parameters
    ----------
    kind
        ``sample``, or what the rows were made to provoke.
    rows
        Rows that were tried.
    refused
        Rows on which the estimator raises; the rest is compared.
    answered
        Refused rows which the ONNX model answers nevertheless.
    unanswered
        Rows which the estimator answers and the ONNX model does not.
    largest, percentile99
        Of the differences of the rows that were compared.
    flips
        Labels that differ.
    ties
        Labels that differ where the estimator itself has the two labels level, within the tolerance; not in `flips`.
    edges
        Rows with another answer that the estimator has too; not in the other counts. On a jump it is the answer of
        the jump's other side, one float64 step away: where the steps before the jump calculate, its place is a matter
        of rounding. (Of trees that compare the inputs themselves it is not, and there are none.) Where neighbours are
        equally far, it is the answer of the same estimator with its training rows in another order.
    """

    kind: str
    rows: int
    refused: int = 0
    answered: int = 0
    unanswered: int = 0
    largest: float = 0.0
    percentile99: float = 0.0
    flips: int = 0
    ties: int = 0
    edges: int = 0


class Difference(Struct, frozen=True, kw_only=True):
    """The worst of the rows.

    Parameters
    ----------
    kind
        The kind of rows it was found among.
    row
        The row, as text.
    output
        The output that differs.
    expected, got
        What the estimator and the ONNX model answer, as text.
    difference
        As defined at the top of this module.
    """

    kind: str
    row: str
    output: str
    expected: str
    got: str
    difference: float

    def __str__(self) -> str:
        row, expected, got = (
            textwrap.shorten(text, 60, placeholder=" …") for text in (self.row, self.expected, self.got)
        )
        return (
            f"Worst row ({self.kind}): {row}: {self.output} should be {expected} and is {got}, "
            f"a difference of {self.difference:.3g}."
        )


class Attempt(Struct, frozen=True, kw_only=True):
    """What became of one recipe."""

    recipe: str
    result: Literal["accepted", "different", "impossible"]
    reason: str = ""
    largest: float = 0.0
    flips: int = 0
    unanswered: int = 0


class Certificate(Struct, frozen=True, kw_only=True):
    """What was measured when a model was converted.

    Parameters
    ----------
    verdict
        ``accepted``: every answer is within the tolerance; ``forced``: not so, and taken nevertheless;
        ``refused``: not so.
    recipe
        The recipe of the model that was taken, or of the nearest one.
    tolerance
        What was allowed.
    comparisons
        The sample first, then the adversarial rows by kind.
    largest, percentile99, flips, ties, unanswered
        Over all comparisons.
    worst
        The worst row, unless all answers are equal.
    attempts
        Every recipe that was tried, in order.
    versions
        Of the packages that took part.
    opset
        Operator set version by domain.
    sha256
        Of the ONNX model's bytes.
    """

    verdict: Literal["accepted", "forced", "refused"]
    recipe: str
    tolerance: Tolerance
    comparisons: tuple[Comparison, ...]
    largest: float
    percentile99: float
    flips: int
    ties: int
    unanswered: int
    worst: Difference | None = None
    attempts: tuple[Attempt, ...] = ()
    versions: dict[str, str] = {}
    opset: dict[str, int] = {}
    sha256: str = ""

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield (
            f"parity {self.verdict} ({self.recipe}): largest difference {self.largest:.3g}, allowed "
            f"{self.tolerance.difference:.3g}; {self.flips} labels flipped"
        )
        yield from _table(
            ("rows", "tried", "refused", "only ONNX", "no ONNX", "largest", "99%", "flips", "ties", "edges"),
            [_cells(c) for c in self.comparisons],
        )
        if self.worst is not None and self.worst.difference > 0:
            yield from textwrap.wrap(str(self.worst), 100, subsequent_indent="  ")
        for attempt in self.attempts:
            yield f"recipe {attempt.recipe}: {attempt.result}{', ' + attempt.reason if attempt.reason else ''}"
        yield ", ".join(f"{name} {version}" for name, version in self.versions.items())
        opset = ", ".join(f"{domain or 'ai.onnx'} {number}" for domain, number in self.opset.items())
        yield f"opset {opset}; sha256 {self.sha256}"


def _cells(c: Comparison) -> tuple[Any, ...]:
    differences = (f"{c.largest:.2g}", f"{c.percentile99:.2g}")
    return (c.kind, c.rows, c.refused, c.answered, c.unanswered, *differences, c.flips, c.ties, c.edges)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Iterator[str]:
    lines = [head, *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for first, *rest in lines:
        yield "  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))])
