"""Where the values of a long JSON text lie: found in steps, and without reading them.

What is found is only as right as its brackets: each piece is JSON or not when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

import orjson

from modelyard_scoring.errors import FormError, MalformedError
from modelyard_scoring.turns import SLICE, Steps

LONG = 2**17
"""Bytes from which one value is not read in one step."""

_MARKS = re.compile(rb'[\[\]{}"]')
SPACE = r"[ \t\n\r]{0,1000000}"  # more than that in one place is no white space to us
_SPACE = re.compile(SPACE.encode())
_SCALAR = re.compile(rb'[^ \t\n\r,\[\]{}":]{1,5000}')
_SHORT = rb'(?:"[^"\\]*(?:\\.[^"\\]*)*"|\[[^\[\]{}"]*\])'  # a text, or a list of neither texts, lists nor objects
_SHORTS = re.compile(rb'(?:[^\[\]{}"]*' + _SHORT + rb")*", re.DOTALL)
_ITEMS = re.compile(rb'(?:[^\[\]{}",]*(?:' + _SHORT + rb'[^\[\]{}",]*)?,)*', re.DOTALL)
_MAX_DEPTH = 1024
_MARKS_IN_TURN = 2048
_MAX_MARKS = 2**21  # of one value of a list, or of an object, so that no text takes much longer than others

Span = tuple[int, int]


class Outline:
    """Moves through a text; `at` is where it stands."""

    def __init__(self, body: bytes, at: int = 0) -> None:
        self.body = body
        self.at = at
        self._last_turn = at
        self._marks = 0

    def next(self) -> bytes:
        """Skip white space and give the byte that follows; empty at the end."""
        match = _SPACE.match(self.body, self.at)
        self.at = self.at if match is None else match.end()
        return self.body[self.at : self.at + 1]

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.next():
            raise self.wrong("the end")

    def wrong(self, wanted: str) -> MalformedError:
        """Say that something else was wanted where we stand."""
        got = self.body[self.at : self.at + 1]
        problem = f"wanted {wanted} at byte {self.at}" if got else "it ends early"
        return MalformedError("JSON", problem, position=self.at)

    def value(self) -> Steps:
        """Move behind a value."""
        first = self.next()
        if first == b'"':
            yield from self._string()
        elif first in {b"[", b"{"}:
            yield from self._brackets()
        elif (match := _SCALAR.match(self.body, self.at)) is not None:
            self.at = match.end()
        else:
            raise self.wrong("a value")

    def item(self) -> Steps:
        """Move behind a value that may have as many brackets and quotes as an object with all its values."""
        self._marks = 0
        yield from self.value()

    def enter(self) -> bool:
        """Move into a list; where nothing is in it, behind it. Tell whether there are values."""
        return not self._is_empty(b"]")

    def guess(self, close: bytes) -> Span | None:
        """Give the place of some values of a list, if it ends where one of them seems to, without moving."""
        end = self.body.find(close, self.at + SLICE) + 1
        return (self.at, end) if end else None

    def leave(self, end: int) -> bool:
        """Move behind values that were read; tell whether there are others after them."""
        self.at = end
        last = self.next()
        if last not in {b",", b"]"}:
            raise self.wrong("a comma or a bracket")
        self.at += 1
        if last == b",":
            self.next()
        return last == b","

    def groups(self, *, entered: bool = False) -> Iterator[Span | None]:
        """Move behind a list; give the places of its values in groups with commas between, and None between steps.

        A value of more than `LONG` bytes is a group of its own.
        """
        begin = self.at if entered or self.enter() else -1
        while begin >= 0:
            start = self.at
            yield from self._some()
            end, last = self.at, self.next()
            if last not in {b",", b"]"}:
                raise self.wrong("a comma or a bracket")
            if end - begin > LONG and begin < start:
                yield begin, self.body.rindex(b",", begin, start)
                begin = start
            self.at += 1
            self.next()
            if last == b"]" or end - begin >= SLICE:
                yield begin, end
                begin = self.at if last == b"," else -1

    def _is_empty(self, close: bytes) -> bool:
        """Move behind an opening bracket; where nothing is in it, behind the closing one."""
        self.at += 1
        empty = self.next() == close
        self.at += empty
        return empty

    def members(self) -> Iterator[tuple[str, Span] | None]:
        """Move behind an object; give its names and where their values are, and None between steps."""
        for name in self.names():
            if name is None:
                yield None
                continue
            start = self.at
            yield from self.value()
            yield name, (start, self.at)

    def names(self) -> Iterator[str | None]:
        """Move behind an object whose values the caller moves behind when it gets their names; None between steps."""
        last = b"}" if self._is_empty(b"}") else b","
        while last == b",":
            start = self.at
            if self.next() != b'"':
                raise self.wrong("a name")
            yield from self._string()
            name = self._name(start)
            if self.next() != b":":
                raise self.wrong("a colon")
            self.at += 1
            self.next()
            yield name
            last = self.next()
            if last not in {b",", b"}"}:
                raise self.wrong("a comma or a brace")
            self.at += 1
            self.next()

    def _some(self) -> Steps:
        """Move behind one value of a list, or behind many that are short and no objects."""
        mark = _MARKS.search(self.body, self.at, self.at + SLICE)
        if mark is not None and mark[0] in b'"[':
            comma = self._skip(_ITEMS) - 1
        else:
            comma = self.body.rfind(b",", self.at, self.at + SLICE if mark is None else mark.start())
        if comma > self.at:
            self.at = comma
        else:
            yield from self.item()

    def _skip(self, pattern: re.Pattern[bytes]) -> int:
        """Tell where the short values that come next end."""
        match = pattern.match(self.body, self.at, self.at + SLICE)
        return self.at if match is None else match.end()

    def _name(self, start: int) -> str:
        try:
            return str(orjson.loads(self.body[start : self.at]))
        except orjson.JSONDecodeError:
            raise MalformedError("JSON", f"there is no name at byte {start}", position=start) from None

    def _string(self) -> Steps:
        """Move behind a text, whose end is a quote with an even number of backslashes before it."""
        while True:
            quote = self.body.find(b'"', self.at + 1)
            if quote < 0:
                self.at = len(self.body)
                raise self.wrong("a quote")
            text = self.body[self.at + 1 : quote]
            slashes = len(text) - len(text.rstrip(b"\\"))
            self.at = quote
            if slashes % 2 == 0:
                break
            if self._mark():
                yield
        self.at += 1

    def _brackets(self) -> Steps:
        depth = 0
        while True:
            mark = _MARKS.search(self.body, self.at, self.at + SLICE)
            if self._mark() or mark is None or self.at - self._last_turn > SLICE:
                self._last_turn = self.at
                yield
            if mark is None:
                self._move_on()
                continue
            self.at = mark.start()
            end = self._skip(_SHORTS) if depth and mark[0] in b'"[' else self.at
            if end > self.at:
                self.at = end
                continue
            if mark[0] == b'"':
                yield from self._string()
                continue
            self.at += 1
            depth += 1 if mark[0] in b"[{" else -1
            if depth == 0:
                return
            if depth > _MAX_DEPTH:
                raise MalformedError("JSON", "it is nested too deeply", position=self.at)

    def _mark(self) -> bool:
        """Count a bracket or quote; tell whether it is time for another turn."""
        self._marks += 1
        if self._marks > _MAX_MARKS:
            problem = f"one value has more than {_MAX_MARKS} brackets and quotes"
            raise MalformedError("JSON of this size", problem, position=self.at)
        return self._marks % _MARKS_IN_TURN == 0

    def _move_on(self) -> None:
        self.at += SLICE
        if self.at >= len(self.body):
            raise self.wrong("a bracket")


def spans(outline: Outline, max_names: int, known: frozenset[str]) -> Generator[None, None, dict[str, Span]]:
    """Move behind an object, giving where the values of its names are.

    Raises
    ------
    MalformedError
        If a name comes twice, or there are more than `max_names`.
    FormError
        If what is under other names than those that are `known` has more than `LONG` bytes.
    """
    found: dict[str, Span] = {}
    beside = 0
    for member in outline.members():
        if member is None:
            yield
            continue
        name, span = member
        if name in found:
            raise MalformedError("JSON", f"the name {name[:60]!r} comes twice in an object")
        found[name] = span
        beside += 0 if name in known else span[1] - span[0]
        if beside > LONG:
            raise FormError(f"at most {LONG} bytes beside the rows", f"{beside} up to the name {name[:40]!r}")
        if len(found) > max_names:
            raise MalformedError("JSON of this size", f"it has an object with more than {max_names} names")
    return found
