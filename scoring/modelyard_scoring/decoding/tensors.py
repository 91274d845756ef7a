"""Requests for models that take several tensors: ``{"data": {"ids": [[...]], "mask": [[...]]}}``, or records."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence, Sized
from operator import attrgetter
from typing import Any, NoReturn, Self

import msgspec
from numpy.typing import NDArray

from modelyard_scoring.decoding import document, large
from modelyard_scoring.decoding.agreement import Axes, check_agreement
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import describe
from modelyard_scoring.decoding.joined import RowText, nothing_put_off
from modelyard_scoring.decoding.names import places, record_values
from modelyard_scoring.decoding.outline import Outline, spans
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.decoding.typed import record, unwrapped, wrapped
from modelyard_scoring.errors import FormError, RequestError, RowCountError, TooManyRowsError
from modelyard_scoring.formats.values import Arrays

_WANTED = (
    'tensors as {"data": {"name": [...], ...}}, or records [{"name": ..., ...}, ...], bare or as "data"; '
    '"input_data" or "instances" in place of "data"'
)
_ROWS = "a list of rows"


class TensorsForm:
    """Reads tensors by name, in any order; each is read as the rows of a model that takes one array.

    Parameters
    ----------
    forms
        What reads each tensor.
    axes
        The names of their axes.
    """

    def __init__(self, forms: Mapping[str, ArrayForm], axes: Axes, max_rows: int) -> None:
        self._forms = dict(forms)
        self._axes = axes
        self._max_rows = max_rows
        self._texts = _Texts.of(list(self._forms))
        self.put_off = nothing_put_off
        self.close = b"}"

    def read(self, rows: Sequence[RowText]) -> None:
        """Read nothing, since nothing is put off."""

    def from_json(self, body: bytes) -> Rows:
        """Read a JSON body."""
        texts = None if self._texts is None else self._texts.find(body)
        arrays = None if texts is None else self._quickly(texts, 0)
        if arrays is not None:
            return self._rows(arrays)
        content = document.unwrap(document.parse(body), _WANTED)
        if isinstance(content, dict):
            places(list(content), self._forms)
            return self._rows([self._array(name, content[name]) for name in self._forms])
        if not isinstance(content, list):
            raise FormError(_WANTED, describe(content))
        self._count(content)
        return self._rows(self._from_records(content, 0))

    def from_large_json(self, body: bytes) -> Generator[None, None, Rows]:
        """Read a JSON body in steps."""
        start = yield from large.content(body, _WANTED)
        outline = Outline(body, start)
        first = outline.next()
        if first == b"[":
            groups = large.Groups(self, self._max_rows)
            yield from groups.read(outline)
            return self._rows(list(groups.rows().parts))
        if first != b"{":
            raise FormError(_WANTED, large.kind_at(outline))
        found = yield from spans(outline, large.MAX_NAMES, frozenset(self._forms))
        places(list(found), self._forms)
        arrays: list[NDArray[Any]] = []
        for name, form in self._forms.items():
            arrays += yield from self._in_steps(name, form, Outline(body, found[name][0]))
        return self._rows(arrays)

    def _in_steps(self, name: str, form: ArrayForm, outline: Outline) -> Generator[None, None, Sequence[NDArray[Any]]]:
        groups = large.Groups(form, self._max_rows)
        try:
            if outline.next() != b"[":
                raise FormError(_ROWS, large.kind_at(outline))
            yield from groups.read(outline)
            return groups.arrays()
        except RequestError as error:
            raise error.within(name) from None

    def read_group(self, text: bytes, start: int, row: int) -> list[NDArray[Any]]:
        """Make arrays of records that are a part of a body."""
        arrays = self.read_quickly(text, row)
        return self._from_records(large.parse_group(text, start), row) if arrays is None else arrays

    def read_quickly(self, text: bytes, row: int) -> list[NDArray[Any]] | None:
        """Make arrays of records that are a part of a body, if they are right."""
        texts = None if self._texts is None else self._texts.find(b"[%b]" % text)
        return None if texts is None else self._quickly(texts, row)

    def read_long(self, text: bytes, start: int, row: int) -> Generator[None, None, list[NDArray[Any]]]:
        """Make arrays of one long record."""
        outline = Outline(text)
        if outline.next() != b"{":
            return self.read_group(text, start, row)
        found = yield from spans(outline, large.MAX_NAMES, frozenset(self._forms))
        record_values(found, self._forms, row, _WANTED)
        arrays: list[NDArray[Any]] = []
        for name, form in self._forms.items():
            begin, end = found[name]
            try:
                arrays += yield from form.read_long(text[begin:end], start + begin, row)
            except RequestError as error:
                raise error.within(name) from None
        return arrays

    def from_csv(self, body: bytes, *, header: bool = False) -> NoReturn:  # noqa: ARG002 - as the other forms have it
        """Refuse CSV, which is one table."""
        raise FormError("JSON or named arrays, since the model takes several tensors", "CSV")

    def from_large_csv(self, body: bytes, *, header: bool = False) -> NoReturn:
        """Refuse CSV, which is one table."""
        self.from_csv(body, header=header)

    def from_arrays(self, arrays: Arrays) -> Rows:
        """Take an array for each tensor, by its name."""
        if "" in arrays and "" not in self._forms:
            raise FormError("an array for each tensor, with its name", "one array without a name")
        places(list(arrays), self._forms)
        made = []
        for name, form in self._forms.items():
            try:
                made.append(form.from_array(arrays[name]).parts[0])
            except RequestError as error:
                raise error.within(name) from None
        return self._rows(made)

    def _quickly(self, texts: Sequence[bytes], row: int) -> list[NDArray[Any]] | None:
        """Make arrays of the texts of rows, without the brackets around all of them, if they are right."""
        arrays: list[NDArray[Any]] = []
        for text, form in zip(texts, self._forms.values(), strict=True):
            found = form.read_quickly(text, row)
            if found is None:
                return None
            arrays += found
        return arrays

    def _from_records(self, records: Sequence[Any], first: int) -> list[NDArray[Any]]:
        rows = [record_values(one, self._forms, row, _WANTED) for row, one in enumerate(records, first)]
        columns = [list(values) for values in zip(*rows, strict=True)]
        return [self._array(name, values, first) for name, values in zip(self._forms, columns, strict=True)]

    def _array(self, name: str, rows: Any, first: int = 0) -> NDArray[Any]:
        try:
            return self._forms[name].array(rows, first, _ROWS)
        except RequestError as error:
            raise error.within(name) from None

    def _count(self, rows: Sized) -> None:
        if not len(rows):
            raise RowCountError
        if len(rows) > self._max_rows:
            raise TooManyRowsError(len(rows), self._max_rows)

    def _rows(self, arrays: Sequence[Any]) -> Rows:
        self._count(arrays[0])
        check_agreement(self._axes, {name: one.shape for name, one in zip(self._forms, arrays, strict=True)})
        return Rows(len(arrays[0]), tuple(arrays))


class _Texts:
    """Finds the text of each tensor, without reading it.

    Parameters
    ----------
    kind
        The type of an object with a text for each name.
    """

    def __init__(self, kind: type[msgspec.Struct], names: Sequence[str]) -> None:
        records = list[kind]  # type: ignore[valid-type]
        self._bare = msgspec.json.Decoder(records)
        self._wrapped = msgspec.json.Decoder(wrapped(records | kind))
        self._getters = [attrgetter(f"f{place}") for place in range(len(names))]

    @classmethod
    def of(cls, names: Sequence[str]) -> Self | None:
        """Make what finds the tensors of these names; None where their names forbid it."""
        kind = record(dict.fromkeys(names, msgspec.Raw))
        return None if kind is None else cls(kind, names)

    def find(self, body: bytes) -> list[bytes] | None:
        """Give the rows of each tensor, without the brackets around all of them; None where there is more to see."""
        is_bare = body[:1] == b"["
        try:
            found: Any = self._bare.decode(body) if is_bare else unwrapped(self._wrapped.decode(body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if not found:
            return None
        records = found if isinstance(found, list) else [found]
        if body.count(b":") != len(records) * len(self._getters) + (not is_bare):
            return None  # a name may have come twice
        texts = [[bytes(getter(one)) for one in records] for getter in self._getters]
        if isinstance(found, list):
            return [b",".join(rows) for rows in texts]
        if any(rows[0][:1] != b"[" for rows in texts):
            return None
        return [rows[0][1:-1] for rows in texts]
