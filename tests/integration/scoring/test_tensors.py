"""Models that take several tensors, over HTTP and gRPC."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import grpc
import numpy as np
import pytest
from onnx import TensorProto, helper

from modelyard_scoring.rpc.messages import SERVICE, Messages

MESSAGES = Messages()
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
IDS, MASK = [[1, 2, 3], [4, 5, 6]], [[1, 1, 1], [1, 0, 0]]
SENTENCES = {"input_ids": IDS, "attention_mask": MASK}
TENSORS = {name: {"name": name, "datatype": "INT64", "shape": [2, 3]} for name in SENTENCES}
ANSWER = {"total": [6, 4]}
WIDE = (3, 160, 160)


def sentences(folders):
    """A model that gives the sum of the numbers that are not masked, in each row."""
    axes = helper.make_tensor("axes", INT64, [1], [1])
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axes"], ["total"], keepdims=0),
    ]
    inputs = [(name, INT64, ["rows", "length"]) for name in SENTENCES]
    content = folders.save(nodes, inputs, [("total", INT64, ["rows"])], [axes])
    fields = [folders.field(name, "int64", [None, None]) for name in SENTENCES]
    signature = {"inputs": fields, "outputs": [folders.field("total", "int64", [None])], "form": "tensors"}
    return content, signature, {"request": {"data": SENTENCES}, "answer": ANSWER}


def pictures(folders):
    """A model that adds the sums of a picture and of a vector, in each row."""
    axes = [helper.make_tensor("all", INT64, [3], [1, 2, 3]), helper.make_tensor("one", INT64, [1], [1])]
    nodes = [
        helper.make_node("ReduceSum", ["image", "all"], ["light"], keepdims=0),
        helper.make_node("ReduceSum", ["facts", "one"], ["sum"], keepdims=0),
        helper.make_node("Add", ["light", "sum"], ["y"]),
    ]
    inputs = [("image", FLOAT, ["n", *WIDE]), ("facts", FLOAT, ["n", 4])]
    content = folders.save(nodes, inputs, [("y", FLOAT, ["n"])], axes)
    fields = [folders.field("image", "float32", [None, *WIDE]), folders.field("facts", "float32", [None, 4])]
    return content, {"inputs": fields, "outputs": [folders.field("y", "float32", [None])], "form": "tensors"}, None


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    models = {"sentences": sentences(make_folders), "pictures": pictures(make_folders)}
    folder = make_folders.write(models, limits={"max_rows": 50})
    return start_in_module(folder, "--grpc-port", "0", "--access-log", "errors").wait()


def raw(rows):
    return np.array(rows, "<i8").tobytes()


def infer(server, tensors, tail=b""):
    head = json.dumps({"inputs": tensors}).encode()
    sent = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    status, _, body = server.request("POST", "/v2/models/sentences/infer", head + tail, sent)
    return status, json.loads(body)


@pytest.mark.parametrize("wrapper", ["data", "input_data", "instances"])
def test_tensors_are_scored_by_name_or_as_records(server, wrapper):
    records = [{"attention_mask": mask, "input_ids": ids} for ids, mask in zip(IDS, MASK, strict=True)]
    assert server.score({wrapper: SENTENCES}) == (200, ANSWER)
    assert server.score({wrapper: records}) == (200, ANSWER)
    assert server.score(records) == (200, ANSWER)


def test_an_npz_has_a_member_for_each_tensor(server):
    stream = io.BytesIO()
    np.savez(stream, **{name: np.array(rows) for name, rows in SENTENCES.items()})
    assert server.score(stream.getvalue(), kind="application/x-npz") == (200, ANSWER)


def test_a_large_body_is_read_in_steps_to_the_same_answer(server):
    image = np.random.default_rng(0).integers(0, 256, (2, *WIDE)).tolist()
    facts = [[1, 2, 3, 4], [0, 0, 0, 1]]
    wanted = [float(np.sum(picture) + sum(own)) for picture, own in zip(image, facts, strict=True)]
    records = [{"image": picture, "facts": own} for picture, own in zip(image, facts, strict=True)]
    for document in ({"data": {"facts": facts, "image": image}}, records):
        assert len(json.dumps(document)) > 2**18
        assert server.score(document, "/score/pictures") == (200, {"y": wanted})
    image[1][2][159][159] = "x"
    status, error = server.score({"data": {"facts": facts, "image": image}}, "/score/pictures")
    assert (status, error["code"], error["tensor"], error["row"]) == (400, "wrong-value", "image", 1)


def test_tensors_of_the_protocol_give_the_numbers_of_score(server):
    listed = [{**TENSORS[name], "data": rows} for name, rows in reversed(SENTENCES.items())]
    sizes = {"binary_data_size": 48}
    packed = [{**tensor, "parameters": sizes} for tensor in TENSORS.values()]
    for status, answer in (infer(server, listed), infer(server, packed, raw(IDS) + raw(MASK))):
        assert (status, answer["outputs"][0]["data"]) == (200, ANSWER["total"])


WRONG = [
    ([TENSORS["input_ids"]], [IDS], "missing-column", "attention_mask"),
    ([*TENSORS.values(), {**TENSORS["input_ids"], "name": "types"}], [IDS, MASK, IDS], "unknown-column", "types"),
    ([TENSORS["input_ids"], {**TENSORS["attention_mask"], "shape": [6]}], [IDS, MASK], "wrong-form", "attention_mask"),
    ([{**TENSORS["input_ids"], "shape": [3, 2]}, TENSORS["attention_mask"]], [IDS, MASK], "wrong-form", "3 rows in"),
    (
        [TENSORS["input_ids"], {**TENSORS["attention_mask"], "shape": [2, 2]}],
        [IDS, [[1, 1], [1, 1]]],
        "wrong-form",
        "attention_mask",
    ),
    ([TENSORS["input_ids"], {**TENSORS["attention_mask"], "shape": [0, 3]}], [IDS, []], "no-rows", "attention_mask"),
    ([TENSORS["input_ids"], {**TENSORS["attention_mask"], "datatype": "INT8"}], [IDS, MASK], "wrong-form", "INT8"),
]


@pytest.mark.parametrize(
    ("tensors", "rows", "code", "text"), WRONG, ids=[f"{code} {n}" for n, (*_, code, _) in enumerate(WRONG)]
)
def test_wrong_tensors_are_refused_by_name(server, tensors, rows, code, text):
    listed = [{**tensor, "data": np.ravel(own).tolist()} for tensor, own in zip(tensors, rows, strict=True)]
    status, error = infer(server, listed)
    assert (status, error["code"]) == (400, code)
    assert text in error["error"]
    sizes = [{"binary_data_size": len(raw(own))} for own in rows]
    packed = [{**tensor, "parameters": size} for tensor, size in zip(tensors, sizes, strict=True)]
    assert infer(server, packed, b"".join(map(raw, rows)))[1]["code"] == code
    address = json.loads(server.address_file.read_bytes())["grpc_address"]
    with grpc.insecure_channel(address) as channel:
        body = {"model_name": "sentences", "inputs": tensors, "raw_input_contents": list(map(raw, rows))}
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, **body)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert dict(caught.value.trailing_metadata())["x-error-code"] == code
    assert text in caught.value.details()


def call(channel, **fields):
    body = MESSAGES.ModelInferRequest(**fields).SerializeToString()
    return MESSAGES.ModelInferResponse.FromString(channel.unary_unary(f"/{SERVICE}/ModelInfer")(body, timeout=60))


def test_tensors_over_grpc_give_the_numbers_of_score(server):
    with grpc.insecure_channel(json.loads(server.address_file.read_bytes())["grpc_address"]) as channel:
        tensors = list(TENSORS.values())
        packed = call(channel, model_name="sentences", inputs=tensors, raw_input_contents=[raw(IDS), raw(MASK)])
        assert np.frombuffer(packed.raw_output_contents[0], "<i8").tolist() == ANSWER["total"]
        contents = [{"int64_contents": np.ravel(rows)} for rows in SENTENCES.values()]
        listed = [{**tensor, "contents": own} for tensor, own in zip(tensors, contents, strict=True)]
        answer = call(channel, model_name="sentences", inputs=listed)
        assert list(answer.outputs[0].contents.int64_contents) == ANSWER["total"]


def test_sizes_that_the_model_calls_by_one_name_are_one(server):
    status, error = server.score({"data": {"input_ids": [[1, 2, 3]], "attention_mask": [[1, 1]]}})
    assert (status, error["code"], error["tensor"]) == (400, "wrong-form", "attention_mask")
    assert "'length'" in error["text"]


def test_requests_of_several_lengths_get_their_own_answers(server):
    def ask(number):
        ids = [[number] * (1 + number % 7)]
        return server.score({"data": {"input_ids": ids, "attention_mask": [[1] * len(ids[0])]}})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(300)))
    assert answers == [(200, {"total": [number * (1 + number % 7)]}) for number in range(300)]


def test_pipelined_requests_are_joined_with_those_of_their_length(make_folders, start_in_module, responses):
    server = start_in_module(make_folders.write({"sentences": sentences(make_folders)})).wait()
    assert "one by one" not in server.log
    requests = []
    for number in range(200):
        row = [[number] * (1 + number % 2)]
        body = json.dumps({"data": {"input_ids": row, "attention_mask": [[1] * len(row[0])]}}).encode()
        requests.append(b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    found = responses(server.raw(b"".join(requests), shut=True))
    assert [json.loads(body)["total"][0] for _, _, body in found] == [n * (1 + n % 2) for n in range(200)]
    counts = server.metrics()
    assert counts.scoring("rows_total") == 200
    assert 2 <= counts.scoring("batch_rows_count") < 100


def test_the_model_is_described(server):
    described = json.loads(server.request("GET", "/v2/models/sentences")[2])
    assert described["inputs"] == [{"name": name, "datatype": "INT64", "shape": [-1, -1]} for name in SENTENCES]
    document = json.loads(server.request("GET", "/openapi.json")[2])
    content = document["paths"]["/score/sentences"]["post"]["requestBody"]["content"]["application/json"]
    assert content["example"] == {"data": SENTENCES}
    page = server.request("GET", "/", headers={"accept": "text/html"})[2].decode()
    assert json.dumps({"data": SENTENCES}, separators=(",", ":")) in unescape(page)
