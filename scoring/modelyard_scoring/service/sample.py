"""Whether an answer is the one that was recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

RELATIVE = 1e-4
ABSOLUTE = 1e-6


class Difference(NamedTuple):
    """The first place at which two answers differ."""

    where: str
    wanted: Any
    got: Any


def find_difference(wanted: Any, got: Any, tolerance: Mapping[str, float] | None = None) -> Difference | None:
    """Compare JSON values: texts, whole numbers and truth exactly, other numbers with a tolerance.

    Two numbers are alike when they differ by at most the tolerance times the recorded number, or by 1e-6.

    Parameters
    ----------
    tolerance
        For a name at the top of the answer, the relative difference allowed instead of 1e-4.
    """
    if isinstance(wanted, dict) and isinstance(got, dict) and set(wanted) == set(got):
        for name, value in wanted.items():
            allowed = (tolerance or {}).get(name, RELATIVE)
            for difference in _differences(value, got[name], name, allowed):
                return difference
        return None
    return next(_differences(wanted, got, "the answer", RELATIVE), None)


def _differences(wanted: Any, got: Any, where: str, allowed: float) -> Iterator[Difference]:
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for i, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from _differences(one, other, f"{where}[{i}]", allowed)
    elif isinstance(wanted, dict) and isinstance(got, dict) and set(wanted) == set(got):
        for name in wanted:
            yield from _differences(wanted[name], got[name], f"{where}.{name}", allowed)
    elif not _alike(wanted, got, allowed):
        yield Difference(where, wanted, got)


def _alike(wanted: Any, got: Any, allowed: float) -> bool:
    numbers = {type(wanted), type(got)}
    if float in numbers and numbers <= {int, float}:
        return math.isclose(wanted, got, rel_tol=0, abs_tol=max(allowed * abs(wanted), ABSOLUTE))
    return type(wanted) is type(got) and bool(wanted == got)
