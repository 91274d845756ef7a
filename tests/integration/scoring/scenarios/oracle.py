"""What the reference page says a server answers to rows in JSON, simple and slow, and none of the server's own code.

A request may be wrong in several ways, of which a server tells one: `verdict` gives all that may be told.
"""

import datetime as dt
import json
import math

import numpy as np
from msgspec import Struct

WRAPPERS = ("data", "input_data", "instances", "inputs", "dataframe_split", "dataframe_records")
MISSING_TIME, MISSING_TEXT = -(2**63), "\ufdd0"


class Fault(Struct, frozen=True):
    """A code, and the row and column that it names where it has them."""

    code: str
    row: int | None = None
    column: int | str | None = None


class Verdict(Struct, frozen=True):
    """Either the values of each output, or the faults."""

    outputs: dict | None
    faults: frozenset = frozenset()


class _MalformedError(Exception):
    """It is not JSON."""


def verdict(signature: dict, body: bytes, max_rows: int) -> Verdict:
    """Say what the answer to a body is."""
    try:
        document = _parse(body)
    except _MalformedError:
        return Verdict(None, frozenset([Fault("malformed-body")]))
    read = _array if signature["form"] == "array" else _frame
    faults: list[Fault] = []
    rows = read(signature["inputs"], document, max_rows, faults)
    if faults:
        return Verdict(None, frozenset(faults))
    return Verdict({f"{name}_out": values for name, values in rows.items()})


def _parse(body):
    def refuse(name):
        raise _MalformedError(name)

    def number(text):
        value = float(text)
        if math.isinf(value):
            raise _MalformedError(text)
        return value

    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise _MalformedError("a name comes twice")
        return dict(pairs)

    try:
        text = body.decode("utf-8", "strict")
        document = json.loads(text, parse_constant=refuse, parse_float=number, object_pairs_hook=once)
        json.dumps(document, ensure_ascii=False).encode()  # lone surrogates have no bytes
    except (ValueError, RecursionError) as error:
        raise _MalformedError(str(error)) from error
    if text[:1] == "\ufeff":
        raise _MalformedError("byte order mark")
    return document


def _unwrap(document):
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return None
    found = [name for name in WRAPPERS if name in document]
    return document[found[0]] if len(found) == 1 else None


def _count(rows, max_rows, faults):
    if not rows:
        faults.append(Fault("no-rows"))
    if len(rows) > max_rows:
        faults.append(Fault("too-many-rows"))


def _array(inputs, document, max_rows, faults):
    (field,) = inputs
    content = document if _is_table(document) else _unwrap(document)
    rows = _labelled(content, faults) if _is_table(content) else content
    if not isinstance(rows, list):
        faults.append(Fault("wrong-form"))
        return {}
    _count(rows, max_rows, faults)
    sizes = list(field["shape"][1:])
    return {field["name"]: [_item(field, row, sizes, (at, [0], 0), faults) for at, row in enumerate(rows)]}


def _is_table(content):
    return isinstance(content, dict) and {"columns", "data"} <= set(content)


def _labelled(content, faults):
    names, rows = content["columns"], content["data"]
    if isinstance(rows, list):
        index = content.get("index", rows)
        width = len(rows[0]) if rows and isinstance(rows[0], list) else None
        if (
            not isinstance(names, list)
            or not isinstance(index, list)
            or len(index) != len(rows)
            or width not in {None, len(names)}
        ):
            faults.append(Fault("wrong-form"))
    return rows


def _item(field, item, sizes, place, faults):
    """Look at what is `depth` lists deep; a size that is not fixed becomes that of the first list."""
    row, position, depth = place
    if depth == len(sizes):
        column = position[0] if len(field["shape"]) > 1 else None
        position[0] += 1
        return _value(field, item, row, column, faults)
    if not isinstance(item, list):
        faults.append(Fault("wrong-form", row))
        return None
    if sizes[depth] is None:
        sizes[depth] = max(1, len(item))
    if len(item) != sizes[depth]:
        faults.append(Fault("ragged-row", row))
        return None
    return [_item(field, part, sizes, (row, position, depth + 1), faults) for part in item]


def _frame(inputs, document, max_rows, faults):
    names = [field["name"] for field in inputs]
    content = document if isinstance(document, dict) and "columns" in document else _unwrap(document)
    if isinstance(content, dict):
        rows = _split(names, content, max_rows, faults)
    elif isinstance(content, list):
        _count(content, max_rows, faults)
        rows = [_record(names, item, at, faults) for at, item in enumerate(content)]
    else:
        faults.append(Fault("wrong-form"))
        return {}
    if any(fault.code != "too-many-rows" for fault in faults):
        return {}
    return {
        field["name"]: [_value(field, row[field["name"]], at, field["name"], faults) for at, row in enumerate(rows)]
        for field in inputs
    }


def _record(names, item, row, faults):
    if not isinstance(item, dict):
        faults.append(Fault("wrong-form", row))
        return {}
    faults += [Fault("missing-column", row, name) for name in names if name not in item]
    faults += [Fault("unknown-column", row, name) for name in item if name not in names]
    return item


def _split(names, content, max_rows, faults):
    given, rows = content.get("columns"), content.get("data")
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given) or not isinstance(rows, list):
        faults.append(Fault("wrong-form"))
        return []
    index = content.get("index", rows)
    if not isinstance(index, list) or len(index) != len(rows):
        faults.append(Fault("wrong-form"))
    faults += [Fault("unknown-column", None, name) for name in given if name not in names or given.count(name) > 1]
    faults += [Fault("missing-column", None, name) for name in names if name not in given]
    _count(rows, max_rows, faults)
    for at, row in enumerate(rows):
        if not isinstance(row, list):
            faults.append(Fault("wrong-form", at))
        elif len(row) != len(given):
            faults.append(Fault("ragged-row", at))
    return [] if faults else [dict(zip(given, row, strict=True)) for row in rows]


def _value(field, value, row, column, faults):
    if value is None and field.get("nullable"):
        return {"datetime": MISSING_TIME}.get(field["type"])
    known, answered = _typed(field["type"], value)
    if not known:
        faults.append(Fault("wrong-value", row, column))
    return answered


def _typed(kind, value):
    if kind == "bool":
        return isinstance(value, bool), value
    if kind == "string":
        return isinstance(value, str) and value != MISSING_TEXT, value
    if kind == "datetime":
        count = _nanoseconds(value) if isinstance(value, str) else None
        return count is not None, count
    return _number(kind, value) if type(value) in {int, float} else (False, None)


def _number(kind, value):
    if kind.startswith("float"):
        with np.errstate(over="ignore"):
            rounded = float(np.dtype(kind).type(value)) if abs(value) < 2**1024 else math.inf
        return math.isfinite(rounded), rounded
    info = np.iinfo(kind)
    return isinstance(value, int) and info.min <= value <= info.max, value


def _nanoseconds(text):
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    time = time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time
    since = time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    count = ((since.days * 86400 + since.seconds) * 10**6 + since.microseconds) * 1000
    return count if abs(count) < 2**63 else None
