"""Read delimited text: every field as a text, so that types are told from all rows and not from the first."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.data.errors import TableNotReadError
from modelyard.data.sets.formats import Delimited

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 32 << 20
"""Bytes that are read at a time; no row may be longer."""


def read_delimited(path: str, file: Path, kind: Delimited) -> pa.Table:
    """Read a file.

    Raises
    ------
    TableNotReadError
        If it is empty, not in its encoding, or a row has more or fewer fields than the first.
    """
    import pyarrow as pa

    try:
        blank, first = _first_row(file, kind)
        if not first:
            raise TableNotReadError(path, "it is empty, without even the names of columns")
        table = _texts(file, kind, len(first), blank)
    except UnicodeDecodeError as error:
        raise TableNotReadError(path, f"it is not in {kind.encoding}: {error.reason} (at {error.start})") from None
    except UnicodeError as error:
        raise TableNotReadError(path, f"it is not in {kind.encoding}: {error}") from None
    except (pa.ArrowException, csv.Error) as error:
        raise TableNotReadError(path, _explained(str(error))) from None
    _check_quotes(path, file, kind, table)
    given = [name.strip() if kind.header else "" for name in first]
    names = [name or f"column{number}" for number, name in enumerate(given, start=1)]
    return table.slice(1 if kind.header else 0).rename_columns(names)


def _first_row(file: Path, kind: Delimited) -> tuple[int, list[str]]:
    """Give the first row, and how many empty lines are before it."""
    with file.open(encoding=_python_encoding(kind), newline="") as opened:
        return next(
            ((line, row) for line, row in enumerate(csv.reader(opened, delimiter=kind.delimiter)) if row), (0, [])
        )


def _texts(file: Path, kind: Delimited, width: int, blank: int) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(number) for number in range(width)]
    encoding = "utf8" if _is_utf8(kind) else kind.encoding
    read = arrow_csv.ReadOptions(
        column_names=names,
        skip_rows=blank,
        use_threads=False,  # with several, an error does not say its row
        block_size=_BLOCK,
        encoding=encoding,
    )
    # a line that is empty is a missing value where there is one column
    parse = arrow_csv.ParseOptions(delimiter=kind.delimiter, newlines_in_values=True, ignore_empty_lines=width > 1)
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=list(kind.missing)
    )
    return arrow_csv.read_csv(str(file), read, parse, convert)


def _check_quotes(path: str, file: Path, kind: Delimited, table: pa.Table) -> None:
    """Refuse a quote that is opened and not closed, which takes all that follows into one field."""
    last = table.slice(table.num_rows - 1)
    if not any("\n" in (column[0].as_py() or "") for column in last.columns if len(column)):
        return
    with file.open(encoding=_python_encoding(kind), newline="") as opened:
        count = sum(some.count('"') for some in iter(lambda: opened.read(1 << 20), ""))
    if count % 2:
        raise TableNotReadError(path, f"row {table.num_rows} has a quote that is opened and not closed")


def _explained(said: str) -> str:
    if "straddl" in said:
        return f"a row has more than {_BLOCK >> 20} MB; perhaps a quote is opened and not closed"
    return said.strip().split("\n", 1)[0][:300]


def _python_encoding(kind: Delimited) -> str:
    return "utf-8-sig" if _is_utf8(kind) else kind.encoding


def _is_utf8(kind: Delimited) -> bool:
    return codecs.lookup(kind.encoding).name == "utf-8"
