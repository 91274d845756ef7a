"""Large requests of the Open Inference Protocol: answered rightly, and others meanwhile."""

import gzip
import http.client
import json
import threading

import numpy as np
import pytest
from onnx import TensorProto, helper

WIDTH, ROWS = 3 * 64 * 64, 55
PATH = "/v2/models/{}/infer"


def greatest(save):
    """A model that gives the greatest number of each image."""
    node = helper.make_node("ReduceMax", ["input"], ["greatest"], axes=[1, 2, 3], keepdims=0)
    shape = [None, 3, 64, 64]
    return save([node], [("input", TensorProto.FLOAT, shape)], [("greatest", TensorProto.FLOAT, [None])])


def same(save):
    """A model that gives its texts as they are."""
    sides = [(name, TensorProto.STRING, [None, 100]) for name in ("input", "output")]
    return save([helper.make_node("Identity", ["input"], ["output"])], sides[:1], sides[1:])


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    field, save = make_folders.field, make_folders.save
    images = {"inputs": [field("input", "float32", [None, 3, 64, 64])], "outputs": [], "form": "array"}
    texts = {"inputs": [field("input", "string", [None, 100])], "outputs": [], "form": "array"}
    models = {"greatest": (greatest(save), images, None), "same": (same(save), texts, None)}
    return start_in_module(make_folders.write(models), "--access-log", "errors").wait()


@pytest.fixture(scope="module")
def numbers():
    return np.random.default_rng(4).standard_normal((ROWS, 3, 64, 64)).astype(np.float32)


def body_of(values, datatype, data, **more):
    tensor = {"name": "input", "shape": values.shape, "datatype": datatype, "data": data, **more}
    return json.dumps({"inputs": [tensor], "id": "mine"}).encode()


def infer(server, body, model="greatest", **headers):
    status, got, answer = server.request("POST", PATH.format(model), body, headers, timeout=60)
    size = int(got.get("inference-header-content-length", len(answer)))
    return status, json.loads(answer[:size])


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "flat"])
def test_a_large_tensor_as_json_is_answered(server, numbers, nested):
    body = body_of(numbers, "FP32", (numbers if nested else numbers.reshape(-1)).tolist())
    assert 12 * 2**20 < len(body) < 2**24
    for sent, headers in ((body, {}), (gzip.compress(body, 1), {"content-encoding": "gzip"})):
        status, answer = infer(server, sent, **headers)
        assert (status, answer["id"]) == (200, "mine")
        assert answer["outputs"][0]["data"] == pytest.approx(numbers.max(axis=(1, 2, 3)))


def test_what_is_wrong_in_it_is_told_with_its_place(server, numbers):
    data = numbers.reshape(-1).tolist()
    data[50 * WIDTH + 5] = "x"
    status, answer = infer(server, body_of(numbers, "FP32", data))
    assert (status, answer["code"], answer["row"], answer["column"]) == (400, "wrong-value", 50, 5)
    status, answer = infer(server, body_of(numbers, "FP32", data[:-1]))
    assert (status, answer["code"]) == (400, "wrong-value")
    data[50 * WIDTH + 5] = 0.5
    status, answer = infer(server, body_of(numbers, "FP32", data[:-1]))
    assert (status, answer["code"], answer["got"]) == (400, "wrong-form", str(ROWS * WIDTH - 1))


@pytest.mark.parametrize("packed", [True, False])
def test_many_texts_come_back(server, packed):
    texts = np.array([[f"é{row}-{place}" for place in range(100)] for row in range(3000)], object)
    wanted = [{"name": "output", "parameters": {"binary_data": packed}}]
    tensor = {"name": "input", "shape": texts.shape, "datatype": "BYTES"}
    tail = b""
    if packed:
        encoded = [text.encode() for text in texts.reshape(-1)]
        tail = b"".join(len(text).to_bytes(4, "little") + text for text in encoded)
        tensor["parameters"] = {"binary_data_size": len(tail)}
    else:
        tensor["data"] = texts.tolist()
    head = json.dumps({"inputs": [tensor], "outputs": wanted}).encode()
    length = {"inference-header-content-length": str(len(head))}
    status, got, answer = server.request("POST", PATH.format("same"), head + tail, length, timeout=60)
    assert status == 200
    if packed:
        assert answer[int(got["inference-header-content-length"]) :] == tail
    else:
        assert json.loads(answer)["outputs"][0]["data"] == texts.reshape(-1).tolist()


def test_others_are_answered_while_one_is_read(server, numbers):
    body = body_of(numbers, "FP32", numbers.tolist())
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    others = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", PATH.format("greatest"), body)
    statuses = []
    waiting = threading.Thread(target=lambda: statuses.append(connection.getresponse().status))
    waiting.start()
    meanwhile = 0
    while waiting.is_alive():
        others.request("GET", "/live")
        assert others.getresponse().read()
        meanwhile += 1
    waiting.join()
    connection.close()
    others.close()
    assert statuses == [200]
    assert meanwhile >= 20
