"""Tensors in a long JSON text, read in steps: where their values lie is found first, and the rest is short."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.decoding import document, large
from modelyard_scoring.decoding.column import Column, describe
from modelyard_scoring.decoding.outline import LONG, Outline, Span
from modelyard_scoring.errors import BodySizeError, FormError, MalformedError, ValueRefusedError
from modelyard_scoring.turns import LARGE, Steps

_IN_STEP = 2**11  # values that are looked at in one step
_IN_SEARCH = 2**8  # names and tensors


class Listed(Struct, frozen=True):
    """The values of a tensor, not read yet: the list that begins at a place of a JSON text."""

    text: bytes
    start: int


Cut = tuple[bytes, list[Listed | None]]


def cut(text: bytes) -> Generator[None, None, Cut]:
    """Take the values of the tensors out of the JSON of a request.

    Returns
    -------
    tuple
        The rest of the JSON, in which the lists are empty, and for each item of ``inputs`` its list, if it has one.

    Raises
    ------
    MalformedError
        If the rest is not JSON.
    BodySizeError
        If the rest is longer than what is read at once.
    """
    search = _Search(text)
    yield from search.request()
    spans = [span for span in search.found if span is not None]
    return _without(text, spans), [None if span is None else Listed(text, span[0]) for span in search.found]


class _Search:
    """Looks for the values of the tensors of a request.

    Attributes
    ----------
    found
        Where those of each item of ``inputs`` are, if they are a list.
    """

    def __init__(self, text: bytes) -> None:
        self.found: list[Span | None] = []
        self._outline = Outline(text)
        self._size = 0  # of what was found
        self._seen = 0

    def request(self) -> Steps:
        """Move behind the request."""
        outline = self._outline
        for name in outline.names() if outline.next() == b"{" else ():
            if name == "inputs" and outline.next() == b"[":
                yield from self._inputs()
            elif name is not None:
                yield from outline.value()
            if self._is_time():
                yield
        self._bound(len(outline.body))

    def _inputs(self) -> Steps:
        outline = self._outline
        more = outline.enter()
        while more:
            self.found.append(None)
            if outline.next() == b"{":
                yield from self._tensor()
            else:
                yield from outline.value()
            if self._is_time():
                yield
            more = outline.leave(outline.at)

    def _tensor(self) -> Steps:
        outline = self._outline
        for name in outline.names():
            if name is not None:
                start, first = outline.at, outline.next()
                yield from outline.item() if name == "data" else outline.value()
                if name == "data" and first == b"[":
                    self.found[-1] = (start, outline.at)
                    self._size += outline.at - start - 2
            if self._is_time():
                yield

    def _is_time(self) -> bool:
        """Tell whether it is time for another turn."""
        self._bound(self._outline.at)
        self._seen += 1
        return self._seen % _IN_SEARCH == 0

    def _bound(self, place: int) -> None:
        if place - self._size > LARGE:
            raise BodySizeError(LARGE, 'The JSON of an inference request, beside the "data" of its tensors,')


def _without(text: bytes, spans: Sequence[Span]) -> bytes:
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    rest = b"[]".join(text[start:end] for start, end in zip(starts, ends, strict=True))
    try:
        document.parse(rest)
    except MalformedError as error:
        place = error.facts.get("position")
        if place is None:
            raise
        for start, end in spans:
            place += end - start - 2 if place > start else 0
        raise large.at_byte(error, place) from None
    return rest


class TensorValues:
    """The values of one tensor, checked and made arrays a few at a time.

    Parameters
    ----------
    name
        The tensor's.
    shape
        What it says; its values are flat, or nested so.
    """

    def __init__(self, column: Column, name: str, shape: tuple[int, ...]) -> None:
        self._column = column
        self._name = name
        self._shape = shape
        self._nested = False
        self._arrays: list[NDArray[Any]] = []
        self._count = 0

    def take(self, values: list[Any]) -> Steps:
        """Take the values that a list has.

        Raises
        ------
        FormError
            If they are more or fewer than the shape says, or nested otherwise.
        ValueRefusedError
            If one is not of the column's type; `row` is its place among all.
        """
        values = flattened(values, self._shape, self._name)
        for start in range(0, len(values), _IN_STEP):
            self._add(values[start : start + _IN_STEP])
            if self._count < len(values):
                yield

    def read(self, listed: Listed) -> Steps:
        """Take the values that a list in a JSON text has; raises what `take` does, or a `MalformedError`."""
        outline = Outline(listed.text, listed.start)
        self._nested = outline.enter() and len(self._shape) > 1 and outline.next() == b"["
        yield from self._list(listed.start, listed.text, self._shape if self._nested else (prod(self._shape),))

    def array(self) -> NDArray[Any]:
        """Give all that were taken."""
        return np.concatenate(self._arrays)

    def _list(self, start: int, text: bytes, sizes: Sequence[int]) -> Steps:
        """Take a list of lists of these sizes."""
        outline, count, first = Outline(text, start), 0, None if sizes == self._shape else self._count
        outline.next()
        for span in outline.groups():
            yield
            if span is None:
                continue
            group = text[span[0] : span[1]]
            if len(group) > LONG and group[:1] != b'"':
                count += 1
                yield from self._long(span[0], text, sizes[1:])
                continue
            items = large.parse_group(group, span[0])
            count += len(items)
            if count <= sizes[0]:  # what more there is does not matter
                self._add(_unnested(items, sizes[1:], self._shape, self._name, first=self._count))
        if count != sizes[0]:
            if self._nested:
                raise _wrong_shape(self._name, self._shape, f"a list of {count}", sizes[0], first=first)
            raise wrong_size(self._name, sizes[0], count)

    def _long(self, start: int, text: bytes, sizes: Sequence[int]) -> Steps:
        """Take an item of a list that is too long for one step."""
        kind = large.kind_at(Outline(text, start))
        if not sizes:
            raise ValueRefusedError(self._count, None, self._column.wanted, kind)
        if text[start : start + 1] != b"[":
            raise _wrong_shape(self._name, self._shape, kind, sizes[0], first=self._count)
        yield from self._list(start, text, sizes)

    def _add(self, values: list[Any]) -> None:
        self._column.check(values, self._count, None)
        self._arrays.append(self._column.array(values))
        self._count += len(values)


def flattened(values: list[Any], shape: tuple[int, ...], name: str) -> list[Any]:
    """Give the values of a list that is flat, or nested exactly as the shape says.

    Raises
    ------
    FormError
        If it is neither; `name` is the tensor's.
    """
    if len(shape) > 1 and values and isinstance(values[0], list):
        if len(values) != shape[0]:
            raise _wrong_shape(name, shape, describe(values), shape[0])
        return _unnested(values, shape[1:], shape, name, first=0)
    if len(values) != prod(shape):
        raise wrong_size(name, prod(shape), len(values))
    return values


def wrong_size(name: str, wanted: int, got: int) -> FormError:
    """Say that a tensor has more or fewer values than its shape says."""
    return FormError(f"{wanted} values in the tensor {name!r}, as its shape says", str(got), tensor=name)


def _unnested(items: list[Any], sizes: Sequence[int], shape: tuple[int, ...], name: str, *, first: int) -> list[Any]:
    """Give the values of items that are lists of lists of these sizes; `first` is the place of the first among all."""
    for depth, size in enumerate(sizes):
        for place, one in enumerate(items):
            if not isinstance(one, list) or len(one) != size:
                before = place * prod(sizes[depth:])
                raise _wrong_shape(name, shape, describe(one), size, first=first + before)
        items = list(chain.from_iterable(items))
    return items


def _wrong_shape(name: str, shape: tuple[int, ...], got: str, size: int, *, first: int | None = None) -> FormError:
    """Say of a list that it is another; `first` is the place of its first value, None where it holds all rows."""
    row = {} if first is None else {"row": first // prod(shape[1:])}
    wanted = f"data of the shape {list(shape)} in the tensor {name!r}"
    return FormError(wanted, f"{got} where a list of {size} belongs", tensor=name, **row)
