"""Rows as objects, ``[{"age": 30}, ...]``, read in one pass where they are right."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Self

import msgspec

from modelyard_scoring.decoding import duplicates
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.typed import record, typed, unwrapped, wrapped


class Records:
    """Reads records of a model's columns.

    Parameters
    ----------
    kind
        The type of one record.
    """

    def __init__(self, kind: type[msgspec.Struct], columns: Mapping[str, Column]) -> None:
        self._bare = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        self._wrapped = msgspec.json.Decoder(wrapped(list[kind]))  # type: ignore[valid-type]
        self._getters = [attrgetter(f"f{place}") for place in range(len(columns))]
        self._texts = [place for place, one in enumerate(columns.values()) if one.kind in {"string", "datetime"}]
        self._colons = sum(name.count(":") for name in columns)

    @classmethod
    def of(cls, columns: Mapping[str, Column]) -> Self | None:
        """Make what reads these columns; None where their names forbid it."""
        kind = record({name: typed(column, ()) or Any for name, column in columns.items()})
        return None if kind is None else cls(kind, columns)

    def read(self, body: bytes) -> list[list[Any]] | None:
        """Give the values of each column, not all of them checked; None where anything is not as it should be."""
        is_bare = body[:1] == b"["
        try:
            rows = self._bare.decode(body) if is_bare else unwrapped(self._wrapped.decode(body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if not rows:
            return None
        columns = [list(map(getter, rows)) for getter in self._getters]
        pairs = len(rows) * len(columns) + (not is_bare)
        if not self._counts_as(body, pairs, len(rows), columns):
            duplicates.refuse_twice(body)
        return columns

    def _counts_as(self, body: bytes, pairs: int, rows: int, columns: list[list[Any]]) -> bool:
        """Tell cheaply that no name comes twice: each would bring a colon beyond those of the columns and texts."""
        colons = body.count(b":") - pairs
        if colons and b"\\u003" not in body:  # no colon is written otherwise
            colons -= rows * self._colons
            colons -= sum(text.count(":") for place in self._texts for text in columns[place] if type(text) is str)
        return colons == 0
