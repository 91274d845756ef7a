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
from modelyard_scoring.service.signature import WRAPPERS
from modelyard_scoring.turns import Steps

_HEAD = re.compile(rf'{SPACE}\{{{SPACE}"(?:{"|".join(WRAPPERS)})"{SPACE}:{SPACE}(?=\[)'.encode())
_TAIL = re.compile(rf"{SPACE}\}}{SPACE}\Z".encode())
MAX_NAMES = 1000
_TABLE = frozenset(["columns", "index", "data"])
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

    @property
    def width(self) -> int | None:
        """How many values a row has; None where there are no rows, or rows are single values."""
        shape = self._groups[0][0].shape if self._groups else ()
        return shape[1] if len(shape) > 1 else None

    def rows(self) -> Rows:
        """Give all of them, when they were read."""
        return Rows(self.count, self.arrays())

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Give the arrays of all of them."""
        if not self._groups:
            raise RowCountError
        return tuple(np.concatenate(arrays) for arrays in zip(*self._groups, strict=True))


def read_rows(body: bytes, wanted: str, groups: Groups) -> Steps:
    """Read the rows of a body that is a list or a table, or has one under one of the names for it."""
    head = _HEAD.match(body)
    if head is not None:
        outline = Outline(body, head.end())
        yield from groups.read(outline)
        if _TAIL.match(body, outline.at):
            return
    names = yield from top(body)
    span = _place(names, wanted) if _is_object(body) else names[""]
    if not document.is_table(names) and body[span[0] : span[0] + 1] == b"{":
        names = yield from inner(body, span)
        span = names["data"] if document.is_table(names) else span
    outline = Outline(body, span[0])
    if outline.next() != b"[":
        raise FormError(wanted, kind_at(outline))
    yield from groups.read(outline)
    if document.is_table(names):
        yield from _check_labels(body, names, groups)


def content(body: bytes, wanted: str) -> Generator[None, None, int]:
    """Find where the rows begin: what is under one of the names, or the whole where it is no object."""
    names = yield from top(body)
    start, _ = names[""] if "" in names and not _is_object(body) else only(names, wanted)
    return start


def top(body: bytes) -> Generator[None, None, dict[str, Span]]:
    """Find the values of the names at the top; of a list itself, under an empty name."""
    outline = Outline(body)
    first = outline.next()
    if first == b"{":
        found = yield from _looked_at(outline, _TABLE.union(WRAPPERS))
    else:
        start = outline.at
        yield from outline.value()
        found = {"": (start, outline.at)}
    outline.end()
    return found


def inner(body: bytes, span: Span) -> Generator[None, None, dict[str, Span]]:
    """Find the values of the names of a table that does not lie at the top."""
    found = yield from _looked_at(Outline(body, span[0]), _TABLE)
    return found


def only(names: dict[str, Span], wanted: str) -> Span:
    """Give the value of the one of the names for rows that is there."""
    found = document.unwrap(dict(names), wanted)
    span: Span = found
    return span


def _looked_at(outline: Outline, known: frozenset[str]) -> Generator[None, None, dict[str, Span]]:
    """Find the values of the names of an object, and make sure that what is ignored is JSON."""
    found = yield from spans(outline, MAX_NAMES, known)
    for name, (start, end) in found.items():
        if name not in known:
            parse(outline.body[start:end], start)
            yield
    return found


def _place(names: dict[str, Span], wanted: str) -> Span:
    return names["data"] if document.is_table(names) else only(names, wanted)


def _check_labels(body: bytes, names: dict[str, Span], groups: Groups) -> Steps:
    if "index" in names:
        yield from check_length(body, names, "index", groups.count)
    if groups.width is not None:
        yield from check_length(body, names, "columns", groups.width)


def check_length(body: bytes, names: dict[str, Span], name: str, wanted: int) -> Steps:
    """Make sure that there is a list of some length under a name."""
    count, outline = 0, Outline(body, names[name][0])
    if outline.next() != b"[":
        raise FormError(f'a list of {wanted} as "{name}"', kind_at(outline))
    for group in outline.groups():
        yield
        if group is not None:
            count += len(short(b"[%b]" % body[group[0] : group[1]], (0, group[1] - group[0] + 2), "short labels"))
    if count != wanted:
        raise FormError(f'a list of {wanted} as "{name}"', f"a list of {count}")


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
