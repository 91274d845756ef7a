"""Tables in files: read as one, whatever they are written in, through Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from modelyard.data.errors import TableNotReadError
from modelyard.data.sets.delimited import read_delimited
from modelyard.data.sets.formats import Delimited, Format, JsonLines, Parquet
from modelyard.data.sets.json_lines import read_json_lines
from modelyard.data.sets.narrowing import narrowed, type_of
from modelyard.errors import InvalidValueError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow as pa

_NAMED = 8
"""How many columns an error names."""

_SUFFIXES: dict[str, Format] = {
    ".csv": Delimited(),
    ".tsv": Delimited(delimiter="\t"),
    ".parquet": Parquet(),
    ".jsonl": JsonLines(),
    ".ndjson": JsonLines(),
}


class Table:
    """Rows in columns with names and types."""

    def __init__(self, arrow: pa.Table) -> None:
        self._arrow = arrow

    @property
    def columns(self) -> dict[str, str]:
        """The types of the columns, by name, in their order."""
        return {field.name: type_of(field.type) for field in self._arrow.schema}

    def take(self, count: int) -> Table:
        """Return the first rows.

        Raises
        ------
        InvalidValueError
            If `count` is below 0.
        """
        if count < 0:
            raise InvalidValueError("count", f"0 or more rows, not {count}")
        return Table(self._arrow.slice(0, count))

    def to_arrow(self) -> pa.Table:
        """Return it as a table of Arrow."""
        return self._arrow

    def to_pandas_dataframe(self) -> Any:
        """Return it as a data frame.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: F401 - whether it is there
        except ImportError:
            raise MissingExtraError("pandas", "data") from None
        return self._arrow.to_pandas()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._arrow.to_pylist())

    def __len__(self) -> int:
        return int(self._arrow.num_rows)

    def __repr__(self) -> str:
        return f"Table({len(self)} rows, {len(self.columns)} columns)"


def format_of(paths: Sequence[str]) -> Format | None:
    """Say how files are written if their names agree on it: ``.csv``, ``.tsv``, ``.parquet``, ``.jsonl``."""
    suffixes = {PurePosixPath(path).suffix.lower() for path in visible(paths)}
    return _SUFFIXES.get(suffixes.pop()) if len(suffixes) == 1 else None


def visible(paths: Sequence[str]) -> list[str]:
    """Leave out what is beside the files of a table: names that begin with ``.`` or ``_``, such as ``_SUCCESS``."""
    return [path for path in paths if not PurePosixPath(path).name.startswith((".", "_"))]


def read_table(files: Mapping[str, Path], kind: Format) -> Table:
    """Read files, given by their paths in the data set, as one table, in the order of the paths.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    TableNotReadError
        If one is not such a file, or its columns are not those of the others.
    """
    _require_arrow()
    import pyarrow as pa

    kind.check()
    parts: dict[str, pa.Table] = {}
    for path in sorted(visible(list(files))):
        parts[path] = _READ[type(kind)](path, files[path], kind)
        if len(parts) > 1:
            _check_agrees(parts, path, ordered=not isinstance(kind, JsonLines))
    if not parts:
        raise TableNotReadError(next(iter(files)), "names that begin with '.' or '_' are none of a table, and all do")
    names = next(iter(parts.values())).column_names
    try:
        whole = pa.concat_tables([part.select(names) for part in parts.values()], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        path = next(reversed(parts))
        raise TableNotReadError(path, f"its types are not those of the others: {_first_line(error)}") from None
    if isinstance(kind, Parquet):
        return Table(whole)
    return Table(narrowed(whole, times_alone=isinstance(kind, JsonLines)))


def _read_parquet(path: str, file: Path, _: Any) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            return _checked(path, opened.read())
    except (pa.ArrowException, OSError) as error:
        raise TableNotReadError(path, _first_line(error)) from None


_READ: dict[type, Callable[[str, Path, Any], Any]] = {
    Delimited: lambda path, file, kind: _checked(path, read_delimited(path, file, kind)),
    Parquet: _read_parquet,
    JsonLines: lambda path, file, _: read_json_lines(path, file),
}


def _checked(path: str, table: pa.Table) -> pa.Table:
    names = table.column_names
    if twice := sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
        raise TableNotReadError(path, f"columns stand twice: {_listed(twice)}")
    return table


def _check_agrees(parts: Mapping[str, pa.Table], path: str, *, ordered: bool) -> None:
    """Compare the columns of the last file with those of the first: their names, and the types that files know."""
    first = next(iter(parts))
    wanted, found = ({field.name: type_of(field.type) for field in parts[one].schema} for one in (first, path))
    lacking = [name for name in wanted if name not in found]
    more = [name for name in found if name not in wanted]
    other = [name for name in wanted if name in found and not _fits(parts[first], parts[path], name)]
    said = [
        f"it lacks {_listed(lacking)}" if lacking else "",
        f"it has {_listed(more)} beside" if more else "",
        f"{_listed([f'{name} ({found[name]}, not {wanted[name]})' for name in other])} are of another type"
        if other
        else "",
        "they stand in another order" if ordered and not lacking and not more and list(wanted) != list(found) else "",
    ]
    if any(said):
        reason = f"its columns are not those of {first!r}: {', '.join(one for one in said if one)}"
        raise TableNotReadError(path, reason)


def _fits(first: pa.Table, other: pa.Table, name: str) -> bool:
    from pyarrow import types

    both = first.schema.field(name).type, other.schema.field(name).type
    words = {type_of(one) for one in both}
    return len(words) == 1 or words == {"integer", "number"} or any(types.is_null(one) for one in both)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300]


def _require_arrow() -> None:
    try:
        import pyarrow as pa  # noqa: F401 - whether it is there
    except ImportError:
        raise MissingExtraError("pyarrow", "data") from None
