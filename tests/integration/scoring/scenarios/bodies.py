"""Models of any signature that give back what they get, and requests for them, of which many are wrong."""

import json
import string

import numpy as np
from onnx import TensorProto, helper
from tests.integration.scoring.scenarios.oracle import WRAPPERS

TYPES = ["bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
TYPES += ["float16", "float32", "float64", "string", "datetime"]
_ONNX = {"bool": TensorProto.BOOL, "string": TensorProto.STRING, "datetime": TensorProto.INT64}
_ONNX |= {"float16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}
_ONNX |= {kind: getattr(TensorProto, kind.upper()) for kind in TYPES if "int" in kind}
_NAMES = ["age", "b c", "Größe", "data", "index", *string.ascii_lowercase[:6]]
_NULLABLE = {"float16", "float32", "float64", "string", "datetime"}
_TEXTS = ["", "a", "Köln", "\0", "\u2028", '"', "]],[[", "1", "null", "𝄞", "x" * 300, "\ufdd0", "[", "2020-01-01"]
_TIMES = ["1970-01-01", "2024-02-29T12:00:00Z", "1999-12-31T23:59:59.999999+05:30", "2262-04-11", "1677-09-22"]
_STRANGE = [None, True, False, "", "x", "1", [], [1], {}, {"a": 1}, 0, -1, 1.0, 1.5, -0.0, 1e-320, 2**31, 2**63, 2**64]
_STRANGE += [
    -(2**63) - 1,
    2**53 + 1,
    10**30,
    65504,
    65519.9,
    65520,
    3.4028234e38,
    3.5e38,
    1e308,
    "\ufdd0",
    "2300-01-01",
]
_PIECES = [
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b'"',
    b":",
    b"-",
    b"0",
    b"e9",
    b".",
    b"\\",
    b"\0",
    b"\xff",
    b" ",
    b"\n",
    b"NaN",
]
_PIECES += [b"NaN", b"null", b"],[", b"]],[[", b"1e999", b"Infinity", b'"data":', b"\xef\xbb\xbf", b"\\ud800", b"00"]


def signature(chance):
    """Make a signature of either form."""

    def field(name, shape):
        kind = chance.choice(TYPES)
        return {
            "name": name,
            "type": kind,
            "shape": shape,
            "nullable": kind in _NULLABLE and chance.random() < 0.5,
        }

    if chance.random() < 0.5:
        sizes = [chance.choice([1, 2, 3, 5, None]) for _ in range(chance.choice([0, 1, 1, 1, 2]))]
        inputs, form = [field("x", [None, *sizes])], "array"
    else:
        names = chance.sample(
            ["age", "b c", "Größe", "data", "index", *string.ascii_lowercase[:6]], chance.randint(1, 5)
        )
        inputs, form = [field(name, chance.choice([[None], [None, 1]])) for name in names], "frame"
    outputs = [
        {"name": f"{one['name']}_out", "type": "int64" if one["type"] == "datetime" else one["type"],
         "shape": one["shape"] if form == "array" else [None]}
        for one in inputs
    ]  # fmt: skip
    return {"form": form, "inputs": inputs, "outputs": outputs}


def model(save, signed):
    """Make the model that gives back the rows of a signature."""
    sides = [
        [(f"{one['name']}{suffix}", _ONNX[one["type"]], one["shape"]) for one in signed["inputs"]]
        for suffix in ("", "_out")
    ]
    pairs = zip(*sides, strict=True)
    return save([helper.make_node("Identity", [x], [y]) for (x, *_), (y, *_) in pairs], *sides)


def right_value(chance, field):
    """Give a value of a field's type."""
    kind = field["type"]
    if field["nullable"] and chance.random() < 0.2:
        return None
    if kind == "bool":
        return chance.random() < 0.5
    if kind == "string":
        return chance.choice([text for text in _TEXTS if text != "\ufdd0"])
    if kind == "datetime":
        return chance.choice(_TIMES)
    if "int" in kind:
        info = np.iinfo(kind)
        return chance.choice([0, 1, int(info.min), int(info.max), chance.randint(int(info.min), int(info.max))])
    top = float(np.finfo(kind).max)
    return chance.choice([0, -0.0, 1, chance.uniform(-1, 1), chance.uniform(-top, top), top, 1e-9, 12345, 0.1])


def document(chance, signed, count):
    """Make what a right request holds."""
    if signed["form"] == "array":
        (field,) = signed["inputs"]
        rows = [_nested(chance, field, field["shape"][1:]) for _ in range(count)]
        if field["shape"][1:] and chance.random() < 0.1:
            rows = {"columns": [f"c{place}" for place in range(len(rows[0]))], "data": rows}
        return _wrapped(chance, rows)
    names = [field["name"] for field in signed["inputs"]]
    records = [{one["name"]: right_value(chance, one) for one in signed["inputs"]} for _ in range(count)]
    if chance.random() < 0.5:
        return _wrapped(chance, records)
    chance.shuffle(names)
    split = {"columns": names, "data": [[record[name] for name in names] for record in records]}
    if chance.random() < 0.3:
        split["index"] = list(range(count))
    return split if chance.random() < 0.5 else {chance.choice(WRAPPERS): split}


def body(chance, signed, max_rows):
    """Make a body; about half of them are wrong in one way or two."""
    made = document(chance, signed, chance.choice([1, 1, 1, 2, 3, max_rows]))
    text = json.dumps(made, ensure_ascii=chance.random() < 0.5, separators=chance.choice([None, (",", ":")]))
    if chance.random() < 0.45:
        return text.encode()
    if chance.random() < 0.7:
        for _ in range(chance.randint(1, 2)):
            made = _changed(chance, made, max_rows)
        return json.dumps(made).encode()
    if chance.random() < 0.2:  # an object that has a name twice
        return text.replace("}", f", {json.dumps(chance.choice(_NAMES))}: 1}}", 1).encode()
    return _damaged(chance, text.encode())


def _nested(chance, field, sizes):
    if not sizes:
        return right_value(chance, field)
    size = sizes[0] or chance.just  # sizes that are not fixed are the same in a whole request
    return [_nested(chance, field, sizes[1:]) for _ in range(size)]


def _wrapped(chance, rows):
    if chance.random() < 0.4:
        return rows
    more = {"method": "predict", "params": {"data": []}} if chance.random() < 0.2 else {}
    return {chance.choice(WRAPPERS): rows} | more


def _changed(chance, made, max_rows):
    """Change one thing somewhere within: a value, a name, how many there are."""
    if isinstance(made, list) and made and chance.random() < 0.85:
        return _changed_list(chance, made, max_rows)
    if isinstance(made, dict) and made and chance.random() < 0.9:
        return _changed_object(chance, made, max_rows)
    if isinstance(made, list) and chance.random() < 0.1:
        return made * (max_rows + 1)
    return chance.choice(_STRANGE)


def _changed_list(chance, made, max_rows):
    at = chance.randrange(len(made))
    what = chance.randrange(6)
    if what == 0:
        return made[:at] + made[at + 1 :]
    if what == 1:
        return [*made, made[at]]
    return [*made[:at], _changed(chance, made[at], max_rows), *made[at + 1 :]]


def _changed_object(chance, made, max_rows):
    name = chance.choice(list(made))
    what = chance.randrange(7)
    if what == 0:
        return {key: value for key, value in made.items() if key != name}
    if what == 1:
        return made | {chance.choice(["more", "Data", "data", "columns", name.upper()]): made[name]}
    return made | {name: _changed(chance, made[name], max_rows)}


def _damaged(chance, text):
    data = bytearray(text)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data)) if data else 0
        match chance.randrange(4):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.randint(1, 5)]
            case 2:
                data[at:at] = chance.choice(_PIECES)
            case 3:
                data = data[:at]
    return bytes(data)
