"""Large JSON bodies, read in steps: the same rows, and errors of the same kind, as when they are read at once.

Where several things are wrong, the one that comes first is told.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.decoding import document
from modelyard_scoring.decoding.outline import LONG, SPACE, Outline, Span, spans
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.errors import FormError, MalformedError, RaggedRowError, RowCountError, TooManyRowsError
from modelyard_scoring.turns import Steps

_HEAD = re.compile(rf'{SPACE}\{{{SPACE}"(?:data|input_data|instances)"{SPACE}:{SPACE}(?=\[)'.encode())
_TAIL = re.compile(rf"{SPACE}\}}{SPACE}\Z".encode())
MAX_NAMES = 1000
_FIRST = {b"[": "a list", b"{": "an object", b'"': "a text"}


class Reader(Protocol):
    """What a form knows of its rows."""

    @property
    def close(self) -> bytes:
        """The byte with which rows seem to end."""
        ...

    def read_quickly(self, text: bytes, row: int) -> list[NDArray[Any]] | None:
        """Make arrays of rows with commas between them, if they are right; None where anything is otherwise."""
        ...

    def read_group(self, text: bytes, start: int, row: int) -> list[NDArray[Any]]:
        """Make arrays of rows with commas between them, which begin at a byte of the body and a row of the request."""
        ...

    def read_long(self, text: bytes, start: int, row: int) -> Generator[None, None, list[NDArray[Any]]]:
        """Make arrays of one row that is too long for one step."""
        ...


class Groups:
    """The rows that were read so far.

    Parameters
    ----------
    max_rows
        Of the request; reading ends where there are more.
    """

    def __init__(self, reader: Reader, max_rows: int) -> None:
        self._reader = reader
        self._max_rows = max_rows
        self._groups: list[list[NDArray[Any]]] = []
        self.count = 0

    def read(self, outline: Outline) -> Steps:
        """Read the list that `outline` stands at, from its beginning."""
        self._groups, self.count = [], 0
        more = outline.enter()
        while more and (found := self._guessed(outline)) is not None:
            self.add(found[0])
            more = outline.leave(found[1])
            yield
        for span in outline.groups(entered=True) if more else ():
            if span is not None:
                text = outline.body[span[0] : span[1]]
                if len(text) > LONG:
                    arrays = yield from self._reader.read_long(text, span[0], self.count)
                else:
                    arrays = self._reader.read_group(text, span[0], self.count)
                self.add(arrays)
            yield

    def _guessed(self, outline: Outline) -> tuple[list[NDArray[Any]], int] | None:
        """Read rows up to where one seems to end: if they are right as they are, it does."""
        span = outline.guess(self._reader.close)
        if span is None or span[1] - span[0] > LONG:
            return None
        arrays = self._reader.read_quickly(outline.body[span[0] : span[1]], self.count)
        return None if arrays is None else (arrays, span[1])

    def add(self, arrays: list[NDArray[Any]]) -> None:
        """Take the arrays of the next rows."""
        for array, first in zip(arrays, self._groups[0] if self._groups else arrays, strict=True):
            for wanted, got in zip(first.shape[1:], array.shape[1:], strict=True):
                if wanted != got:
                    raise RaggedRowError(self.count, wanted, got)
        self._groups.append(arrays)
        self.count += len(arrays[0])
        if self.count > self._max_rows:
            raise TooManyRowsError(self.count, self._max_rows)

    def rows(self) -> Rows:
        """Give all of them, when they were read."""
        if not self._groups:
            raise RowCountError
        return Rows(self.count, tuple(np.concatenate(arrays) for arrays in zip(*self._groups, strict=True)))


def read_rows(body: bytes, wanted: str, groups: Groups) -> Steps:
    """Read the rows of a body that is a list, or has one under one of the three names."""
    head = _HEAD.match(body)
    if head is not None:
        outline = Outline(body, head.end())
        yield from groups.read(outline)
        if _TAIL.match(body, outline.at):
            return
    names = yield from top(body)
    start, _ = names[""] if "" in names and not _is_object(body) else only(names, wanted)
    outline = Outline(body, start)
    if outline.next() != b"[":
        raise FormError(wanted, kind_at(outline))
    yield from groups.read(outline)


def top(body: bytes) -> Generator[None, None, dict[str, Span]]:
    """Find the values of the names at the top; of a list itself, under an empty name."""
    outline = Outline(body)
    first = outline.next()
    if first == b"{":
        found = yield from spans(outline, MAX_NAMES)
        for name, span in found.items():
            if name not in {*document.WRAPPERS, "columns", "index"}:
                look_at(body, name, span)
                yield
    else:
        start = outline.at
        yield from outline.value()
        found = {"": (start, outline.at)}
    outline.end()
    return found


def only(names: dict[str, Span], wanted: str) -> Span:
    """Give the value of the one of the three names that is there."""
    found = document.unwrap(dict(names), wanted)
    span: Span = found
    return span


def look_at(body: bytes, name: str, span: Span) -> None:
    """Make sure that what is ignored is JSON."""
    if span[1] - span[0] > LONG:
        raise FormError(f"at most {LONG} bytes beside the rows", f"{span[1] - span[0]} under {name[:40]!r}")
    parse(body[span[0] : span[1]], span[0])


def parse(text: bytes, start: int) -> Any:
    """Read a piece that begins at a place of the body; errors name the place in the body."""
    try:
        return document.parse(text)
    except MalformedError as error:
        place = error.facts.get("position")
        raise error if place is None else at_byte(error, place + start) from None


def at_byte(error: MalformedError, place: int) -> MalformedError:
    """Say of something wrong in a piece that it is at a place of the body."""
    problem = str(error).partition(": ")[2].split(", at line")[0]
    return MalformedError("JSON", f"{problem}, at byte {place}", position=place)


def parse_group(text: bytes, start: int) -> list[Any]:
    """Read values with commas between them."""
    values: list[Any] = parse(b"[%b]" % text, start - 1)
    return values


def short(body: bytes, span: Span, wanted: str) -> Any:
    """Read a value that is not long."""
    if span[1] - span[0] > LONG:
        raise FormError(wanted, f"{kind_at(Outline(body, span[0]))} of {span[1] - span[0]} bytes")
    return parse(body[span[0] : span[1]], span[0])


def kind_at(outline: Outline) -> str:
    """Say what kind of value begins where an outline stands."""
    return _FIRST.get(outline.next(), "a single value")


def _is_object(body: bytes) -> bool:
    return Outline(body).next() == b"{"
