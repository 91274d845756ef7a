"""Bad input gets a precise answer below 500, and never a score."""

import json

import pytest
from onnx import TensorProto, helper

FRAME = {
    "form": "frame",
    "inputs": [
        {"name": "age", "type": "int64", "shape": [None, 1]},
        {"name": "income", "type": "float64", "shape": [None], "nullable": True},
        {"name": "city", "type": "string", "shape": [None, 1], "categories": ["Bern", "Köln"]},
        {"name": "member", "type": "bool", "shape": [None, 1]},
        {"name": "since", "type": "datetime", "shape": [None, 1]},
        {"name": "floor", "type": "int8", "shape": [None, 1]},
    ],
    "outputs": [
        {"name": "age_out", "type": "int64", "shape": [None]},
        {"name": "income_out", "type": "float64", "shape": [None]},
        {"name": "city_out", "type": "string", "shape": [None]},
        {"name": "member_out", "type": "bool", "shape": [None]},
        {"name": "since_out", "type": "int64", "shape": [None]},
        {"name": "floor_out", "type": "int8", "shape": [None]},
    ],
}
ROW = {"age": 30, "income": 1.5, "city": "Köln", "member": True, "since": "1970-01-01T00:00:01Z", "floor": -3}
NAMES = list(ROW)


def echo_frame(save):
    kinds = ["INT64", "DOUBLE", "STRING", "BOOL", "INT64", "INT8"]
    kinds = [getattr(TensorProto, kind) for kind in kinds]
    shapes = [[None, 1] if field["shape"] == [None, 1] else [None] for field in FRAME["inputs"]]
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in NAMES]
    inputs = list(zip(NAMES, kinds, shapes, strict=True))
    outputs = [(f"{name}_out", kind, shape) for name, kind, shape in inputs]
    return save(nodes, inputs, outputs)


def double_wide(save):
    """Doubles float64, with an input that allows any width."""
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return save(nodes, [("x", TensorProto.DOUBLE, [None, None])], [("y", TensorProto.DOUBLE, [None, None])])


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    folders = make_folders
    field = folders.field
    wide = {"inputs": [field("x", "int64", [None, None])], "outputs": [field("y", "float64", [None, None])]}
    root = [helper.make_node("Sqrt", ["x"], ["y"])]
    root = folders.save(root, [("x", TensorProto.FLOAT, [None])], [("y", TensorProto.FLOAT, [None])])
    flat = {"inputs": [field("x", "float32", [None])], "outputs": [field("y", "float32", [None])]}
    sample = {"request": [ROW], "answer": {"age_out": [30]}}
    sample["answer"] |= {"income_out": [1.5], "city_out": ["Köln"], "member_out": [True], "floor_out": [-3]}
    sample["answer"] |= {"since_out": [10**9]}
    models = {
        "double": folders.double,
        "frame": (echo_frame(folders.save), FRAME, sample),
        "wide": (double_wide(folders.save), wide, None),
        "root": (root, flat, None),
    }
    return start_in_module(folders.write(models, limits={"max_rows": 50})).wait()


@pytest.fixture
def frame(server):
    return lambda document, **more: server.score(document, "/score/frame", **more)


ARRAY_ERRORS = [
    (b"", 400, "malformed-body", {}),
    (b"{", 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,4]]', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,NaN]]}', 400, "malformed-body", {"line": 1}),
    (b'{"data": [[1,2,3,Infinity]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,-Infinity]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,1e999]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,1e39]]}', 400, "wrong-value", {"row": 0, "column": 3}),
    (b'{"data": [[1,2,3,4],[1,2,"3",4]]}', 400, "wrong-value", {"row": 1, "column": 2, "got": "the text '3'"}),
    (b'{"data": [[1,2,3,true]]}', 400, "wrong-value", {"row": 0, "column": 3, "got": "true"}),
    (b'{"data": [[1,2,3,null]]}', 400, "wrong-value", {"row": 0, "column": 3, "got": "null"}),
    (b'{"data": [[1,2,3,[4]]]}', 400, "wrong-value", {"row": 0, "column": 3, "got": "a list of 1"}),
    (b'{"data": [[1,2,3,{}]]}', 400, "wrong-value", {"row": 0, "column": 3}),
    (b'{"data": [[1,2,3,4],[1,2,3]]}', 400, "ragged-row", {"row": 1, "wanted": 4, "got": 3}),
    (b'{"data": [[1,2,3,4,5]]}', 400, "ragged-row", {"row": 0, "wanted": 4, "got": 5}),
    (b'{"data": [[]]}', 400, "ragged-row", {"row": 0, "got": 0}),
    (b'{"data": [1,2,3,4]}', 400, "wrong-form", {"row": 0}),
    (b'{"data": []}', 400, "no-rows", {}),
    (b"[]", 400, "no-rows", {}),
    (b'{"data": null}', 400, "wrong-form", {}),
    (b'{"data": {}}', 400, "wrong-form", {}),
    (b'{"data": "1,2,3,4"}', 400, "wrong-form", {}),
    (b"{}", 400, "wrong-form", {}),
    (b"null", 400, "wrong-form", {}),
    (b"3", 400, "wrong-form", {}),
    (b'{"data": false}', 400, "wrong-form", {}),
    (b'"x"', 400, "wrong-form", {}),
    (b'{"Data": [[1,2,3,4]]}', 400, "wrong-form", {}),
    (b'{"data": [[1,2,3,4]], "instances": [[1,2,3,4]]}', 400, "wrong-form", {}),
    (b'{"columns": ["a"], "data": [[1,2,3,4]], "input_data": 1}', 400, "wrong-form", {}),
    (b'{"data": [[1,2,3,4]]} x', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,4],]}', 400, "malformed-body", {}),
    (b"{'data': [[1,2,3,4]]}", 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,04]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,0x4]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,1_0]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,+4]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,.4]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,4]], "a": "\\ud800"}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,4]], "a": "\xff"}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,4]], "a\xc0\x80": 1}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,4]] /* */}', 400, "malformed-body", {}),
    (b'{"data": [[9,9,9,9]], "data": [[1,2,3,4]]}', 400, "malformed-body", {}),
    (b'{"data": [[9,9,9,9]], "d\\u0061ta": [[1,2,3,4]]}', 400, "malformed-body", {}),
    (b'{"data": [[1,2,3,4]], "x": [{"a": {"b": 1, "b": 1}}]}', 400, "malformed-body", {}),
    (b'\xef\xbb\xbf{"data": [[1,2,3,4]]}', 400, "malformed-body", {}),
    ('{"data": [[1,2,3,4]]}'.encode("utf-16"), 400, "malformed-body", {}),
    (b"[" * 100_000, 400, "malformed-body", {}),
    (b'{"data":' * 100_000, 400, "malformed-body", {}),
    (b'{"data":' + b"[" * 900 + b"]" * 900 + b"}", 400, "ragged-row", {"row": 0, "got": 1}),
    (b'{"data":' + b"[[1,2,3,4]," * 50 + b"[1,2,3,4]]}", 400, "malformed-body", {}),
    (json.dumps({"data": [[1, 2, 3, 4]] * 51}).encode(), 413, "too-many-rows", {"wanted": 50, "got": 51}),
    (json.dumps({"data": [[1, 2, 3, "4"]] * 51}).encode(), 413, "too-many-rows", {"wanted": 50, "got": 51}),
]


@pytest.mark.parametrize(("body", "status", "code", "facts"), ARRAY_ERRORS)
def test_bad_arrays(server, body, status, code, facts):
    got, answer = server.score(body)
    assert (got, answer["code"]) == (status, code), answer
    assert {name: answer.get(name) for name in facts} == facts, answer
    assert len(json.dumps(answer)) < 2000


@pytest.mark.parametrize(
    ("body", "code", "facts"),
    [
        ('{"data": false}', "wrong-form", {}),
        ("[[1, 2], [1]]", "ragged-row", {"row": 1, "wanted": 2, "got": 1}),
        ("[[]]", "ragged-row", {"row": 0, "wanted": 1, "got": 0}),
        ("[1]", "wrong-form", {"row": 0}),
    ],
)
def test_rows_of_a_width_that_is_not_fixed_have_the_same(server, body, code, facts):
    status, answer = server.score(body, "/score/wide")
    assert (status, answer["code"]) == (400, code)
    assert {name: answer[name] for name in facts} == facts


ARRAYS = [
    b'{"data": [[1,2,3,4]]}',
    b'{"input_data": [[1,2,3,4]]}',
    b'{"instances": [[1,2,3,4]]}',
    b"[[1,2,3,4]]",
    b" \r\n\t[ [ 1 , 2.0 , 3e0 , 4 ] ]\n",
    b'{"data": [[1,2,3,4]], "method": "predict"}',
]


@pytest.mark.parametrize("body", ARRAYS)
def test_all_forms_of_arrays_are_scored(server, body):
    assert server.score(body) == (200, {"doubled": [[2.0, 4.0, 6.0, 8.0]], "prediction": [10.0]})


def test_csv_rows_are_scored(server):
    status, answer = server.score("1,2,3,4\r\n5,6e0,7.,.8\r\n", kind="text/csv; charset=utf-8")
    assert (status, answer["doubled"][0]) == (200, [2.0, 4.0, 6.0, 8.0])
    assert answer["doubled"][1] == pytest.approx([10, 12, 14, 1.6])


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-Infinity", "1_000", "0x1", "", " ", "1 2", "\N{ARABIC-INDIC DIGIT ONE}", "1e999", "1e39"]
)
def test_csv_texts_that_are_not_numbers_are_refused(server, text):
    status, answer = server.score(f"1,2,3,4\n1,2,{text},4\n".encode(), kind="text/csv")
    assert (status, answer["code"], answer["row"], answer["column"]) == (400, "wrong-value", 1, 2)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/xml", "application/octet-stream"])
def test_other_content_types_are_415(server, kind):
    status, answer = server.score(b"{}", kind=kind)
    assert (status, answer["code"], answer["got"]) == (415, "wrong-content-type", kind)


def test_who_lets_curl_choose_the_type_is_told_the_option(server):
    status, answer = server.score(b"[[1,2,3,4]]", kind="application/x-www-form-urlencoded")
    assert (status, answer["code"]) == (415, "wrong-content-type")
    assert answer["text"].endswith("With curl add -H 'Content-Type: application/json'.")
    assert "curl" not in server.score(b"[[1,2,3,4]]", kind="image/png")[1]["text"]


def test_other_charsets_and_encodings_are_415(server):
    for parameter in ("charset=utf-16", 'Charset="UTF-16"', "charset = utf-16", "a=b;charset =\tutf-16"):
        assert server.score(b"[[1,2,3,4]]", kind=f"application/json; {parameter}")[0] == 415
    assert server.score(b"[[1,2,3,4]]", kind='application/json ; charset = "utf-8"')[0] == 200
    assert server.score(b"[[1,2,3,4]]", **{"content-encoding": "br"})[0] == 415


def test_a_root_of_a_negative_number_is_null(server):
    assert server.score([-1, 4], "/score/root") == (200, {"y": [None, 2.0]})


def test_whole_numbers_that_a_float_input_does_not_hold_are_refused(server):
    assert server.score([[2**53]], "/score/wide")[0] == 200
    status, answer = server.score([[1, 2**53 + 1]], "/score/wide")
    assert (status, answer["column"], answer["got"]) == (400, 1, f"the number {2**53 + 1}")


EXPECTED = {
    "age_out": [30],
    "income_out": [1.5],
    "city_out": ["Köln"],
    "member_out": [True],
    "since_out": [10**9],
    "floor_out": [-3],
}
SPLIT = {"columns": NAMES[::-1], "data": [list(ROW.values())[::-1]]}


@pytest.mark.parametrize(
    "document",
    [
        [ROW],
        {"data": [ROW]},
        {"input_data": [dict(reversed(ROW.items()))]},
        {"instances": [ROW]},
        SPLIT,
        {**SPLIT, "index": [7]},
        {"input_data": SPLIT},
        {"data": SPLIT},
    ],
)
def test_all_forms_of_frames_are_scored(frame, document):
    assert frame(document) == (200, EXPECTED)


def test_csv_with_a_header_in_any_order_is_scored(frame):
    text = 'city,age,income,member,floor,since\r\n"Köln",30,1.5,TRUE,-3,1970-01-01T00:00:01Z\r\n'
    assert frame(text.encode(), kind="text/csv") == (200, EXPECTED)


def test_a_missing_income_is_nan_and_comes_back_as_null(frame):
    assert frame([{**ROW, "income": None}])[1]["income_out"] == [None]
    text = "city,age,income,member,floor,since\nx,30,,true,1,1970-01-01\n"
    assert frame(text, kind="text/csv")[1]["income_out"] == [None]


FRAME_ERRORS = [
    ({"age": "001"}, "wrong-value", "age"),
    ({"age": 30.0}, "wrong-value", "age"),
    ({"age": 2**63}, "wrong-value", "age"),
    ({"age": 2**64}, "wrong-value", "age"),
    ({"age": True}, "wrong-value", "age"),
    ({"age": None}, "wrong-value", "age"),
    ({"floor": 128}, "wrong-value", "floor"),
    ({"floor": -129}, "wrong-value", "floor"),
    ({"income": "1.5"}, "wrong-value", "income"),
    ({"income": False}, "wrong-value", "income"),
    ({"city": 5}, "wrong-value", "city"),
    ({"city": None}, "wrong-value", "city"),
    ({"member": 1}, "wrong-value", "member"),
    ({"member": "true"}, "wrong-value", "member"),
    ({"since": "yesterday"}, "wrong-value", "since"),
    ({"since": "1600-01-01"}, "wrong-value", "since"),
    ({"since": 5}, "wrong-value", "since"),
    ({"agee": 3}, "unknown-column", "agee"),
]


@pytest.mark.parametrize(("change", "code", "column"), FRAME_ERRORS)
def test_bad_frames_name_row_and_column(frame, change, code, column):
    status, answer = frame([ROW, {**ROW, **change}])
    assert (status, answer["code"], answer["row"], answer["column"]) == (400, code, 1, column)
    if code == "wrong-value":
        split = {"columns": NAMES, "data": [list(ROW.values()), list({**ROW, **change}.values())]}
        status, answer = frame(split)
        assert (status, answer["code"], answer["row"], answer["column"]) == (400, code, 1, column)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ([{"age": 1}], "missing-column"),
        ([ROW, 5], "wrong-form"),
        ([list(ROW.values())], "wrong-form"),
        ({"columns": NAMES[1:], "data": [[1]]}, "missing-column"),
        ({"columns": [*NAMES, "extra"], "data": [[1]]}, "unknown-column"),
        ({"columns": [*NAMES, "age"], "data": [[1]]}, "unknown-column"),
        ({"columns": NAMES, "data": [[1]]}, "ragged-row"),
        ({"columns": NAMES, "data": [5]}, "wrong-form"),
        ({"columns": NAMES, "data": {}}, "wrong-form"),
        ({"columns": NAMES}, "wrong-form"),
        ({"columns": "age", "data": []}, "wrong-form"),
        ({"columns": [5], "data": []}, "wrong-form"),
        ({"columns": NAMES, "data": []}, "no-rows"),
        ({"columns": NAMES, "data": [list(ROW.values())], "index": [1, 2]}, "wrong-form"),
        ([], "no-rows"),
        ({"age": [1]}, "wrong-form"),
    ],
)
def test_bad_forms_of_frames(frame, document, code):
    status, answer = frame(document)
    assert (status, answer["code"]) == (400, code), answer


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no-rows"),
        ("city,age,income,member,floor,since\n", "no-rows"),
        ("city,age,income,member,floor\nx,1,1,true,1\n", "missing-column"),
        ("city,age,income,member,floor,since,x\nx,1,1,true,1,1970-01-01,3\n", "unknown-column"),
        ("city,age,income,member,floor,since\nx,1,1,true,1\n", "ragged-row"),
        ("city,age,income,member,floor,since\nx,1.0,1,true,1,1970-01-01\n", "wrong-value"),
        ("city,age,income,member,floor,since\nx,,1,true,1,1970-01-01\n", "wrong-value"),
        ('city,age,income,member,floor,since\n"x,1,1,true,1,1970-01-01\n', "malformed-body"),
        (b"city\xff", "malformed-body"),
    ],
)
def test_bad_csv(frame, text, code):
    status, answer = frame(text, kind="text/csv")
    assert (status, answer["code"]) == (400, code), answer


def test_errors_show_no_traceback_and_nothing_failed_inside(server):
    counts = server.metrics()
    assert counts.scoring("requests_total", code="500") == 0
    assert counts.scoring("requests_total", code="400") > 0
    assert "Traceback" not in server.log
    assert counts.scoring("in_flight") == 1
