"""The Open Inference Protocol over HTTP: the numbers of /score, and a precise refusal of all that is wrong."""

import json
import random

import numpy as np
import pytest
from onnx import TensorProto, helper

ROWS = [[1.0, 2.0, 3.0, 4.0], [-1.5, 0.25, 1e30, 7.0]]
TENSOR = {"name": "input", "shape": [2, 4], "datatype": "FP32"}
COLUMNS = {
    "age": ("int32", TensorProto.INT32, "INT32", [30, 4]),
    "income": ("float64", TensorProto.DOUBLE, "FP64", [1.5, None]),
    "count": ("uint8", TensorProto.UINT8, "UINT8", [0, 255]),
    "member": ("bool", TensorProto.BOOL, "BOOL", [True, False]),
    "city": ("string", TensorProto.STRING, "BYTES", ["Köln", ""]),
    "since": ("datetime", TensorProto.INT64, "BYTES", ["2024-01-02T03:04:05", "1999-01-01"]),
}
DTYPES = {"INT32": "<i4", "FP64": "<f8", "UINT8": "u1", "BOOL": "?"}
MUTATIONS = 400


def echo(save):
    """A model with a column of each kind, which gives each as it is."""
    sides = [[(f"{name}{end}", one[1], [None, 1]) for name, one in COLUMNS.items()] for end in ("", "_out")]
    return save([helper.make_node("Identity", [name], [f"{name}_out"]) for name in COLUMNS], *sides)


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    field = make_folders.field
    inputs = [field(name, one[0], [None], nullable=name == "income") for name, one in COLUMNS.items()]
    signature = {"inputs": inputs, "outputs": [], "form": "frame"}
    models = {"double": make_folders.double, "echo": (echo(make_folders.save), signature, None)}
    limits = {"max_rows": 100, "max_body_bytes": 100_000}
    return start_in_module(make_folders.write(models, limits=limits), "--access-log", "errors").wait()


def packed(values, datatype):
    if datatype != "BYTES":
        return np.array(values, dtype=DTYPES[datatype]).tobytes()
    texts = [text.encode() for text in values]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def infer(server, document, tail=b"", path="/v2/models/double/infer", **headers):
    """Send a request, with packed tensors behind it: status, what the JSON holds, what is behind it."""
    head = document if isinstance(document, bytes) else json.dumps(document).encode()
    sent = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    status, got, body = server.request("POST", path, head + tail, {**sent, **headers})
    size = int(got.get("inference-header-content-length", len(body)))
    return status, json.loads(body[:size]), body[size:]


def binary(rows=ROWS, **more):
    raw = np.array(rows, "<f4").tobytes()
    return {"inputs": [{**TENSOR, "parameters": {"binary_data_size": len(raw)}}], **more}, raw


def columns(way, values=None):
    """The columns as tensors, from the last to the first: as JSON, or packed."""
    tensors, tail = [], b""
    for name, (_, _, datatype, given) in reversed(COLUMNS.items()):
        content = (values or {}).get(name, given)
        tensor = {"name": name, "datatype": datatype, "shape": [len(content), 1]}
        if way == "json":
            tensors.append({**tensor, "data": content})
        else:
            raw = packed([float("nan") if one is None else one for one in content], datatype)
            tensors.append({**tensor, "shape": [len(content)], "parameters": {"binary_data_size": len(raw)}})
            tail += raw
    return {"inputs": tensors}, tail


def test_the_server_and_its_models_are_described(server):
    assert json.loads(server.request("GET", "/v2")[2])["extensions"] == ["binary_tensor_data"]
    for path in ("/v2/models/double", "/v2/models/double/versions/1"):
        described = json.loads(server.request("GET", path)[2])
        assert described["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 4]}]
        assert described["outputs"][1] == {"name": "prediction", "datatype": "FP32", "shape": [-1]}
        assert (described["name"], described["versions"]) == ("double", ["1"])
    described = json.loads(server.request("GET", "/v2/models/echo")[2])
    assert [one["datatype"] for one in described["inputs"]] == [one[2] for one in COLUMNS.values()]
    assert [one["name"] for one in described["outputs"]] == [f"{name}_out" for name in COLUMNS]


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/double/ready", {"name": "double", "ready": True}),
        ("/v2/models/echo/versions/1/ready", {"name": "echo", "ready": True}),
    ],
)
def test_health(server, path, document):
    status, _, body = server.request("GET", path)
    assert (status, json.loads(body)) == (200, document)


@pytest.mark.parametrize("data", [ROWS, [value for row in ROWS for value in row]], ids=["nested", "flat"])
def test_json_tensors_give_the_numbers_of_score(server, data):
    status, scored = server.score({"data": ROWS})
    assert status == 200
    sent = {"inputs": [{**TENSOR, "data": data}], "id": "mine"}
    status, answer, _ = infer(server, sent, path="/v2/models/double/versions/1/infer")
    assert (status, answer["id"], answer["model_name"], answer["model_version"]) == (200, "mine", "double", "1")
    doubled, prediction = answer["outputs"]
    assert (doubled["shape"], prediction["shape"]) == ([2, 4], [2])
    assert np.reshape(doubled["data"], (2, 4)).tolist() == scored["doubled"]
    assert prediction["data"] == scored["prediction"]


def test_packed_tensors_give_the_numbers_of_score_packed_or_not(server):
    scored = server.score({"data": ROWS})[1]
    status, answer, tail = infer(server, *binary(parameters={"binary_data_output": True}))
    assert (status, [one["parameters"]["binary_data_size"] for one in answer["outputs"]]) == (200, [32, 8])
    assert np.frombuffer(tail[:32], "<f4").reshape(2, 4).tolist() == np.float32(scored["doubled"]).tolist()
    wanted = [{"name": "prediction"}, {"name": "doubled", "parameters": {"binary_data": True}}]
    status, answer, tail = infer(server, *binary(outputs=wanted))
    assert status == 200
    assert answer["outputs"][0] == {
        "name": "prediction",
        "datatype": "FP32",
        "shape": [2],
        "data": scored["prediction"],
    }
    assert np.frombuffer(tail, "<f4").reshape(2, 4).tolist() == np.float32(scored["doubled"]).tolist()


@pytest.mark.parametrize("way", ["json", "binary"])
def test_columns_in_any_order_give_the_numbers_of_score(server, way):
    records = [{name: one[3][row] for name, one in COLUMNS.items()} for row in range(2)]
    status, scored = server.score(records, "/score/echo")
    assert status == 200
    status, answer, _ = infer(server, *columns(way), path="/v2/models/echo/infer")
    assert status == 200
    assert {one["name"]: one["data"] for one in answer["outputs"]} == {
        name: [value for (value,) in rows] for name, rows in scored.items()
    }
    assert {one["datatype"] for one in answer["outputs"]} == {"INT32", "FP64", "UINT8", "BOOL", "BYTES", "INT64"}


def test_texts_come_packed_as_they_were_sent(server):
    document, tail = columns("binary")
    wanted = [{"name": "city_out", "parameters": {"binary_data": True}}]
    _, _, got = infer(server, {**document, "outputs": wanted}, tail, path="/v2/models/echo/infer")
    assert got == packed(["Köln", ""], "BYTES")


@pytest.mark.parametrize(
    ("name", "values", "row"),
    [
        ("income", [1.0, float("inf")], 1),
        ("since", ["2024-01-01", "yesterday"], 1),
        ("city", ["\ufdd0", "x"], 0),
    ],
)
def test_packed_values_that_are_not_taken_are_named(server, name, values, row):
    status, answer, _ = infer(server, *columns("binary", {name: values}), path="/v2/models/echo/infer")
    assert (status, answer["code"], answer["row"], answer["column"]) == (400, "wrong-value", row, name)
    assert answer["error"] == answer["text"]


WRONG = [
    ({"shape": [2, 3]}, "wrong-form"),
    ({"shape": [8]}, "wrong-form"),
    ({"shape": [2, 2, 2]}, "wrong-form"),
    ({"shape": []}, "wrong-form"),
    ({"shape": [0, 4]}, "no-rows"),
    ({"shape": [-2, 4]}, "wrong-form"),
    ({"shape": [-2, -4]}, "wrong-form"),
    ({"shape": [2, 0]}, "wrong-form"),
    ({"shape": [2**62, 4]}, "too-many-rows"),
    ({"shape": [2**63, 4]}, "wrong-form"),
    ({"shape": [10**400, 4]}, "malformed-body"),
    ({"shape": [1, 4]}, "wrong-form"),
    ({"shape": [3, 4]}, "wrong-form"),
    ({"shape": [2.5, 4]}, "wrong-form"),
    ({"shape": "2,4"}, "wrong-form"),
    ({"shape": None}, "wrong-form"),
    ({"shape": [1] * 1000}, "wrong-form"),
    ({"datatype": "FP64"}, "wrong-form"),
    ({"datatype": "BYTES"}, "wrong-form"),
    ({"datatype": "fp32"}, "wrong-form"),
    ({"datatype": "x" * 1000}, "wrong-form"),
    ({"datatype": 7}, "wrong-form"),
    ({"name": "inputs"}, "unknown-column"),
    ({"name": ""}, "unknown-column"),
    ({"name": None}, "wrong-form"),
    ({"parameters": {"binary_data_size": 31}}, "wrong-form"),
    ({"parameters": {"binary_data_size": 33}}, "wrong-form"),
    ({"parameters": {"binary_data_size": -1}}, "wrong-form"),
    ({"parameters": {"binary_data_size": 2**70}}, "wrong-form"),
    ({"parameters": {"binary_data_size": 10**400}}, "wrong-form"),
    ({"parameters": {"binary_data_size": "32"}}, "wrong-form"),
    ({"parameters": {"binary_data_size": True}}, "wrong-form"),
    ({"parameters": {"binary_data_size": 32.0}}, "wrong-form"),
    ({"parameters": {"binary_data_size": [32]}}, "wrong-form"),
    ({"parameters": {"binary_data_size": None}}, "wrong-form"),
    ({"parameters": {}}, "wrong-form"),
    ({"parameters": 3}, "wrong-form"),
    ({"parameters": {"binary_data_size": 32, "shared_memory_region": "x"}}, "wrong-form"),
    ({"data": [1, 2, 3, 4, 5, 6, 7, 8]}, "wrong-form"),
]


@pytest.mark.parametrize(("change", "code"), WRONG, ids=[json.dumps(one)[:40] for one, _ in WRONG])
def test_a_packed_tensor_that_is_wrong_is_refused(server, change, code):
    document, tail = binary()
    status, answer, _ = infer(server, {"inputs": [{**document["inputs"][0], **change}]}, tail)
    assert (status, answer["code"]) == (413 if code == "too-many-rows" else 400, code)
    assert answer["error"] == answer["text"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ([1] * 7, "wrong-form"),
        ([1] * 9, "wrong-form"),
        ([], "wrong-form"),
        (None, "wrong-form"),
        ({}, "wrong-form"),
        ("12345678", "wrong-form"),
        ([[1, 2, 3, 4]], "wrong-form"),
        ([[1, 2, 3, 4], [1, 2, 3]], "wrong-form"),
        ([[1, 2, 3, 4], 5], "wrong-form"),
        ([[[1]], [1]], "wrong-form"),
        ([1] * 7 + [None], "wrong-value"),
        ([1] * 7 + ["1"], "wrong-value"),
        ([1] * 7 + [True], "wrong-value"),
        ([1] * 7 + [1e39], "wrong-value"),
        ([1] * 7 + [10**50], "wrong-value"),
        ([1] * 7 + [[1]], "wrong-value"),
        ([1] * 7 + [{}], "wrong-value"),
        ([[1, 2, 3, 4], [1, 2, 3, None]], "wrong-value"),
    ],
)
def test_a_json_tensor_that_is_wrong_is_refused(server, data, code):
    status, answer, _ = infer(server, {"inputs": [{**TENSOR, "data": data}]})
    assert (status, answer["code"]) == (400, code)
    if code == "wrong-value":
        assert (answer["row"], answer["column"]) == (1, 3)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"inputs": []}, "missing-column"),
        ({"inputs": None}, "wrong-form"),
        ({"inputs": {}}, "wrong-form"),
        ({"inputs": [1]}, "wrong-form"),
        ({"id": 7}, "wrong-form"),
        ({"outputs": [{"name": "nothing"}]}, "wrong-form"),
        ({"outputs": [{"name": "doubled"}, {"name": "doubled"}]}, "wrong-form"),
        ({"outputs": [{}]}, "wrong-form"),
        ({"outputs": "doubled"}, "wrong-form"),
        ({"outputs": [{"name": "doubled", "parameters": {"classification": 3}}]}, "wrong-form"),
        ({"outputs": [{"name": "doubled", "parameters": {"binary_data": 1}}]}, "wrong-form"),
        ({"parameters": {"binary_data_output": "yes"}}, "wrong-form"),
        ({"parameters": []}, "wrong-form"),
    ],
)
def test_a_request_that_is_wrong_is_refused(server, change, code):
    document, tail = binary()
    status, answer, _ = infer(server, {**document, **change}, b"" if "inputs" in change else tail)
    assert (status, answer["code"]) == (400, code)


@pytest.mark.parametrize("length", ["-1", "1e3", "", "0x10", "999999", "9" * 50, "+5", "0", "5", "²"])
def test_a_wrong_length_of_the_header_is_refused(server, length):
    headers = {"inference-header-content-length": length.encode("latin-1")}
    status, answer, _ = infer(server, *binary(), **headers)
    assert (status, answer["code"] in {"wrong-form", "malformed-body"}) == (400, True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"inputs": ' + b"[" * 5000, b"[" * 90_000])
def test_a_body_that_is_no_request_is_refused(server, body):
    status, answer, _ = infer(server, body)
    assert (status, answer["code"] in {"wrong-form", "malformed-body"}) == (400, True)


def test_missing_and_second_tensors_are_named(server):
    document, _ = columns("json")
    tensors = document["inputs"]
    for sent, code, column in (
        (tensors[1:], "missing-column", "since"),
        ([*tensors, tensors[0]], "unknown-column", "since"),
        ([*tensors, {**tensors[0], "name": "sinse"}], "unknown-column", "sinse"),
    ):
        status, answer, _ = infer(server, {"inputs": sent}, path="/v2/models/echo/infer")
        assert (status, answer["code"], answer["column"]) == (400, code, column)


def test_columns_of_several_lengths_are_refused(server):
    values = {name: [*one[3], one[3][0]] for name, one in COLUMNS.items() if name != "age"}
    status, answer, _ = infer(server, *columns("json", values), path="/v2/models/echo/infer")
    assert (status, answer["code"]) == (400, "wrong-form")


def test_packed_texts_and_truth_that_are_wrong_are_refused(server):
    for name, raw in (
        ("member", b"\x01\x02"),
        ("city", b"\xff\xff\xff\xff"),
        ("city", packed(["a"], "BYTES")),
        ("city", packed(["a", "b", "c"], "BYTES")),
        ("city", packed(["a", "b"], "BYTES")[:-1]),
        ("city", b"\x01\x00\x00\x00\xff\x00\x00\x00\x00"),
        ("city", b""),
    ):
        document, tail = columns("binary")
        others = [one for one in document["inputs"] if one["name"] != name]
        (own,) = [one for one in document["inputs"] if one["name"] == name]
        at = sum(one["parameters"]["binary_data_size"] for one in document["inputs"][: document["inputs"].index(own)])
        rest = tail[:at] + tail[at + own["parameters"]["binary_data_size"] :]
        changed = {"inputs": [*others, {**own, "parameters": {"binary_data_size": len(raw)}}]}
        status, answer, _ = infer(server, changed, rest + raw, path="/v2/models/echo/infer")
        assert (status, answer["code"]) == (400, "wrong-value" if name == "member" else "wrong-form")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/nothing", 404),
        ("POST", "/v2/models/nothing/infer", 404),
        ("GET", "/v2/models/double/versions/2", 404),
        ("GET", "/v2/models/double/infer", 405),
        ("GET", "/v2/../v2", 404),
    ],
)
def test_other_paths_are_refused_with_an_error(server, method, path, status):
    got, _, body = server.request(method, path)
    assert (got, json.loads(body)["error"]) == (status, json.loads(body)["text"])


def test_requests_that_wait_together_are_answered_each_with_its_own(server):
    requests = []
    for number in range(40):
        document, tail = binary([[number] * 4] * 2, id=str(number))
        head = json.dumps(document).encode()
        lines = [b"POST /v2/models/double/infer HTTP/1.1", b"host: here"]
        lines += [b"inference-header-content-length: %d" % len(head), b"content-length: %d" % len(head + tail)]
        requests.append(b"\r\n".join([*lines, b"", head + tail]))
    body = server.raw(b"".join(requests) + b"GET /live HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
    for number in range(40):
        assert b'"id":"%d","outputs"' % number in body
        assert b'"data":[%.1f,%.1f]' % (4 * number, 4 * number) in body


def mutated(chance):
    document, tail = columns("binary") if chance.random() < 0.5 else binary()
    path = "/v2/models/double/infer" if tail == binary()[1] else "/v2/models/echo/infer"
    head = json.dumps(document).encode()
    length = len(head)
    body = bytearray(head + tail)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(body))
        match chance.randrange(5):
            case 0:
                body[at] = chance.randrange(256)
            case 1:
                del body[at : at + chance.randint(1, 9)]
            case 2:
                body[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 9)))
            case 3:
                body[at:at] = chance.choice([b"[", b"]", b'"', b"null", b"-1", b"1e999", b"{}", b"0", b"9" * 30])
            case 4:
                length = chance.choice([0, length + chance.randint(-3, 3), len(body), len(body) + 1])
        body = body or bytearray(b"{")
    return path, bytes(body), str(length)


def test_damaged_requests_are_answered_below_500_and_the_server_goes_on(server):
    chance = random.Random(11)
    seen = set()
    for _ in range(MUTATIONS):
        path, body, length = mutated(chance)
        seen.add(server.request("POST", path, body, {"inference-header-content-length": length})[0])
    assert 400 in seen
    assert max(seen) < 500
    assert infer(server, *binary())[0] == 200
    assert len(server.workers()) == 1
    assert "Traceback" not in server.log
