"""What is in the columns of a table, as a value."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

ColumnType = Literal["boolean", "integer", "number", "text", "time", "date", "other"]
"""What a column holds. An integer fits in 64 bits; `other` is what only Parquet and JSON know, such as lists."""

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FREQUENT = 5
"""How many of the most frequent texts a profile has."""
SHOWN = 200
"""Characters of a text that a profile shows."""


class Frequency(Struct, frozen=True, kw_only=True):
    """How often a text stands in a column; its first 200 characters."""

    value: str
    count: int


class ColumnProfile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is in a column.

    Parameters
    ----------
    count, missing, distinct
        Values that are there, that are not, and how many different ones; NaN counts as missing.
    infinite
        Values that are infinite; they are in none of the figures that follow.
    min, max
        Of numbers, times and dates (ISO 8601); of texts the first and the last by their code points.
    mean, std, quantiles
        Of numbers; the standard deviation is that of a sample, and `quantiles` are linearly interpolated at 0.01,
        0.05, 0.25, 0.5, 0.75, 0.95 and 0.99.
    longest
        Characters of the longest text.
    frequent
        The most frequent texts, at most five.
    """

    name: str
    type: ColumnType
    count: int
    missing: int
    distinct: int | None = None
    infinite: int = 0
    min: float | int | str | None = None
    max: float | int | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    longest: int | None = None
    frequent: tuple[Frequency, ...] = ()


class Profile(Struct, frozen=True, kw_only=True):
    """What is in a table: its rows, and its columns in their order."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    def to_json(self) -> bytes:
        """Write the bytes that are kept as a blob."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Profile:
        """Read what `to_json` wrote."""
        return msgspec.json.decode(data, type=cls)

    def column(self, name: str) -> ColumnProfile | None:
        """Find a column by its name."""
        return next((one for one in self.columns if one.name == name), None)
