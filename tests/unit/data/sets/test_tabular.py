"""Files that are one table, and what is said of those that are none."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard.data.sets.formats import Delimited, JsonLines, Parquet
from modelyard.data.sets.tabular import Table, format_of, read_table
from modelyard.errors import InvalidValueError, TableNotReadError

COMMAS = Delimited()


@pytest.fixture
def read(tmp_path: Path):
    """Read files, given by their paths and content, as one table."""

    def call(files: dict[str, bytes], kind=COMMAS) -> Table:
        for number, content in enumerate(files.values()):
            (tmp_path / str(number)).write_bytes(content)
        return read_table({path: tmp_path / str(number) for number, path in enumerate(files)}, kind)

    return call


def values(table: Table, name: str) -> list[object]:
    return [row[name] for row in table]


def test_types_are_told_from_all_rows_of_all_files(read) -> None:
    first = b"id,x,who,code,on,at,when,none,big\n1,1,ann,007,true,2024-01-02,2024-01-02T03:04:05+01:00,,5\n"
    rest = b"id,x,who,code,on,at,when,none,big\n-2,2.5,,12,FALSE,2024-02-03,2024-01-02T00:00Z,,12345678901234567890\n"
    table = read({"a.csv": first, "b.csv": rest, "_SUCCESS": b"", "c/.hidden": b"\xff"})

    types = ["integer", "number", "text", "text", "boolean", "date", "time", "text", "text"]
    assert table.columns == dict(zip(["id", "x", "who", "code", "on", "at", "when", "none", "big"], types, strict=True))
    assert [len(table), values(table, "who"), values(table, "code")] == [2, ["ann", None], ["007", "12"]]
    assert values(table, "when") == [
        dt.datetime(2024, 1, 2, hour, *rest, tzinfo=dt.UTC) for hour, *rest in ((2, 4, 5), (0,))
    ]
    assert list(table.take(1).to_pandas_dataframe()["id"]) == [1]
    with pytest.raises(InvalidValueError):
        table.take(-1)


@pytest.mark.parametrize(
    ("content", "kind", "rows"),
    [
        ("\ufeffid,name\r\n1,a\r\n".encode(), Delimited(), [{"id": 1, "name": "a"}]),
        (b'id,"na\nme"\n1,"x, ""y""\nz"\n\n', Delimited(), [{"id": 1, "na\nme": 'x, "y"\nz'}]),
        ("id\tname\n1\té\n".encode("latin-1"), Delimited(delimiter="\t", encoding="latin-1"), [{"id": 1, "name": "é"}]),
        ("1,ü\n".encode("utf-16"), Delimited(header=False, encoding="utf-16"), [{"column1": 1, "column2": "ü"}]),
        (b",x ,NA\n0,NA,2\n", Delimited(missing=("", "NA")), [{"column1": 0, "x": None, "NA": 2}]),
        (b"\n\r\nx\n1\n\n3", Delimited(), [{"x": 1}, {"x": None}, {"x": 3}]),
        (b"id,name\n", Delimited(), []),
        (b"id,name", Delimited(), []),
        (b'{"a":1,"b":"x"}\n\n{"b":"y"}\n', JsonLines(), [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]),
        (b'{"at":"2024-01-02","n":"5"}\n', JsonLines(), [{"at": dt.date(2024, 1, 2), "n": "5"}]),
    ],
)  # fmt: skip
def test_what_is_a_table_is_read(read, content: bytes, kind, rows: list) -> None:
    assert list(read({"f": content}, kind)) == rows


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"", Delimited(), "it is empty"),
        (b"\n\n", Delimited(), "it is empty"),
        (b"a,b\n1,2\n3,4,5\n", Delimited(), "Row #3: Expected 2 columns, got 3"),
        (b"a,b\n1,2\n3\n", Delimited(), "Row #3: Expected 2 columns, got 1"),
        (b'a,b\n1,2\n3,"x\n4,5\n', Delimited(), "row 3 has a quote that is opened and not closed"),
        (b"a,a\n1,2\n", Delimited(), "columns stand twice: 'a'"),
        ("a\né\n".encode("latin-1"), Delimited(), "invalid"),
        (b"a\nb\n\xff\n", Delimited(encoding="ascii"), "it is not in ascii"),
        (b"a\n1\n", Delimited(encoding="utf-16"), "it is not in utf-16"),
        (b"PAR1 no PAR1", Parquet(), "Parquet"),
        (b"", Parquet(), "Parquet"),
        (b"", JsonLines(), "no line with a field"),
        (b'{"a":1}\n{"a":\n', JsonLines(), "line 2 is not a JSON object"),
        (b'{"a":"\xff"}\n', JsonLines(), "line 1 is not a JSON object"),
        (b"[1]\n", JsonLines(), "line 1 is not a JSON object"),
        (b'{"a":1}\n{"a":"x"}\n', JsonLines(), "'a' have no type in common"),
        (b'{"a":123456789012345678901234567890}\n', JsonLines(), "'a' have no type in common"),
    ],
)
def test_what_is_no_table_is_said_with_its_file(read, content: bytes, kind, reason: str) -> None:
    with pytest.raises(TableNotReadError, match=r"^'deep/ü\.csv' cannot be read as a table: ") as error:
        read({"deep/ü.csv": content}, kind)
    assert reason in str(error.value)


def parquet(columns: dict) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("other", "kind", "reason"),
    [
        (b"b,c\n1,2\n", Delimited(), "it lacks 'a', it has 'c' beside"),
        (b"b,a\n1,2\n", Delimited(), "another order"),
        (b"", Delimited(), "it is empty"),
        (b'{"a":1}\n', JsonLines(), "it lacks 'b'"),
        (b'{"a":"x","b":1}\n', JsonLines(), "'a (text, not integer)' are of another type"),
        (parquet({"a": ["x"], "b": [1]}), Parquet(), "'a (text, not integer)' are of another type"),
    ],
)
def test_files_whose_columns_disagree_are_named(read, other: bytes, kind, reason: str) -> None:
    first = {Delimited: b"a,b\n1,2\n", JsonLines: b'{"b":1,"a":2}\n', Parquet: parquet({"a": [1], "b": [1]})}
    with pytest.raises(TableNotReadError, match=r"^'two' ") as error:
        read({"one": first[type(kind)], "two": other}, kind)
    assert reason in str(error.value)


def test_whole_and_broken_numbers_of_several_files_fit(read) -> None:
    table = read({"one": parquet({"a": [1], "b": [None]}), "two": parquet({"a": [2.5], "b": ["x"]})}, Parquet())
    assert (table.columns, values(table, "a")) == ({"a": "number", "b": "text"}, [1.0, 2.5])


@pytest.mark.parametrize(
    "wrong", [Delimited(delimiter=""), Delimited(delimiter='"'), Delimited(encoding="hex"), Delimited(encoding="no")]
)
def test_a_format_that_cannot_be_is_refused(read, wrong: Delimited) -> None:
    with pytest.raises(InvalidValueError, match=r"delimiter|encoding"):
        read({"f": b"a\n"}, wrong)


def test_files_say_by_their_names_how_they_are_written() -> None:
    assert format_of(["a.csv", "b/c.CSV", "_SUCCESS", ".hidden"]) == Delimited()
    assert format_of(["a.tsv"]) == Delimited(delimiter="\t")
    assert [format_of(paths) for paths in (["a.parquet"], ["a.jsonl"])] == [Parquet(), JsonLines()]
    assert [format_of(paths) for paths in (["a.csv", "b.txt"], ["README"], ["_a.csv"])] == [None] * 3
