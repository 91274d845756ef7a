"""Bodies of requests and answers of a model in all their forms: which there are, and who reads and writes them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace
from numpy.typing import NDArray

from modelyard_scoring import formats
from modelyard_scoring.answers import JSON, Answer, Reply
from modelyard_scoring.decoding.joined import RowText
from modelyard_scoring.decoding.rows import Form, Rows, Write
from modelyard_scoring.engines import Request
from modelyard_scoring.errors import ContentTypeError, NotAcceptableError
from modelyard_scoring.formats import arrow, csv, npy, npz
from modelyard_scoring.formats.values import Arrays
from modelyard_scoring.http1.accept import ANY, Acceptance
from modelyard_scoring.http1.content_type import CSV_WITH_HEADER
from modelyard_scoring.service.folder import Limits
from modelyard_scoring.turns import at_once

_JSON = JSON.decode()
_CSV = {formats.CSV.encode(): False, CSV_WITH_HEADER: True}
"""Which types of CSV say that a header is there."""
_MEMBERS = 2  # of an npz file for an array, so that the error can say that there are more
Outputs = Mapping[str, NDArray[Any]]
Unpack = Callable[[bytes], Generator[None, None, Arrays]]


def request_types() -> list[str]:
    """List the content types of bodies that are read, the usual one first."""
    return [_JSON, formats.CSV, formats.NPY, formats.NPZ, *_arrow_types()]


def answer_types(outputs: Sequence[str]) -> list[str]:
    """List the content types of answers with these outputs, the usual one first."""
    single = [formats.NPY] if len(outputs) == 1 else []
    return [_JSON, formats.CSV, formats.NPZ, *single, *_arrow_types()]


class Tabular:
    """Reads the rows of requests, and notes with them how they are to be answered.

    Parameters
    ----------
    columns
        How many inputs the model's rows have.
    outputs
        The names of what the model gives.
    """

    def __init__(self, form: Form, limits: Limits, *, columns: int, outputs: Sequence[str]) -> None:
        self._put_off = form.put_off
        self._from_json = form.from_json
        self._from_large_json = form.from_large_json
        self._from_large_csv = form.from_large_csv
        self._from_arrays = form.from_arrays
        self._unpack = partial(npz.read, max_members=max(columns, _MEMBERS), max_bytes=limits.max_body_bytes)
        self._readers = _readers(form, limits, self._unpack)
        self._acceptance = Acceptance(answer_types(outputs))
        self._writes: dict[str, Write] = {kind: partial(_write, kind) for kind in answer_types(outputs)[1:]}

    def read(self, request: Request) -> Rows | RowText:
        """Read a request by its content type and ``Accept``, or put its reading off.

        Raises
        ------
        RequestError
            Which says what is wrong with it.
        """
        body = bytes(request.body)
        if request.usual and (text := self._put_off(body)) is not None:
            return text
        content_type, accept = request.content_type, request.accept
        if content_type in {JSON, b""}:
            if accept in ANY and (text := self._put_off(body)) is not None:
                return text
            rows = self._from_json(body)
        else:
            rows = self.reader(content_type)(body)
        return rows if accept in ANY else self._answered(rows, accept)

    def read_in_steps(self, request: Request) -> Generator[None, None, Rows]:
        """Read a large request in steps; raises what `read` does."""
        body = bytes(request.body)
        if request.content_type in {JSON, b""}:
            rows = yield from self._from_large_json(body)
        elif request.content_type in _CSV:
            rows = yield from self._from_large_csv(body, header=_CSV[request.content_type])
        elif request.content_type == formats.NPZ.encode():
            rows = self._from_arrays((yield from self._unpack(body)))
        else:
            rows = self.reader(request.content_type)(body)
        return rows if request.accept in ANY else self._answered(rows, request.accept)

    def reader(self, content_type: bytes) -> Callable[[bytes], Rows]:
        """Give what reads bodies of a type.

        Raises
        ------
        ContentTypeError
            If nothing does.
        """
        try:
            return self._readers[content_type.decode("latin-1")]
        except KeyError:
            raise ContentTypeError(content_type.decode("latin-1"), request_types()) from None

    def _answered(self, rows: Rows, accept: bytes) -> Rows:
        kind = self._acceptance.best(accept)
        return rows if kind == _JSON else replace(rows, write=self._writes[kind])


def _readers(form: Form, limits: Limits, unpack: Unpack) -> dict[str, Callable[[bytes], Rows]]:
    readers: dict[str, Callable[[bytes], Rows]] = {
        _JSON: form.from_json,
        formats.CSV: form.from_csv,
        CSV_WITH_HEADER.decode(): partial(form.from_csv, header=True),
        formats.NPY: lambda body: form.from_arrays(npy.read(body)),
        formats.NPZ: lambda body: form.from_arrays(at_once(unpack(body))),
    }
    if arrow.installed():
        rows = limits.max_rows
        readers[formats.ARROW_STREAM] = lambda body: form.from_arrays(arrow.read_stream(body, rows))
        readers[formats.ARROW_FILE] = lambda body: form.from_arrays(arrow.read_file(body, rows))
    return readers


def _write(kind: str, outputs: Outputs) -> Answer:
    if kind == formats.NPY:
        return Reply(body=npy.write(next(iter(outputs.values()))), kind=kind.encode())
    if kind == formats.NPZ:
        return Reply(body=npz.write(outputs), kind=kind.encode())
    if any(array.ndim == 0 for array in outputs.values()) or len({len(array) for array in outputs.values()}) > 1:
        return NotAcceptableError(kind, [_JSON, formats.NPZ])  # its outputs are no columns of one table
    writers = {formats.CSV: csv.write, formats.ARROW_STREAM: arrow.write_stream, formats.ARROW_FILE: arrow.write_file}
    full_kind = f"{kind}; charset=utf-8; header=present" if kind == formats.CSV else kind
    return Reply(body=writers[kind](outputs), kind=full_kind.encode())


def _arrow_types() -> list[str]:
    return [formats.ARROW_STREAM, formats.ARROW_FILE] if arrow.installed() else []
