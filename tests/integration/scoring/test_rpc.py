"""The Open Inference Protocol over gRPC: the numbers of /score, errors as statuses, a polite end."""

import json
import random
import signal
import socket
import threading
import time

import grpc
import numpy as np
import pytest
from onnx import TensorProto, helper
from tests.integration.scoring.scenarios.kills import until_all_serve

from modelyard_scoring.rpc.messages import SERVICE, Messages

MESSAGES = Messages()
ROWS = [[1.0, 2.0, 3.0, 4.0], [-1.5, 0.25, 1e30, 7.0]]
TENSOR = {"name": "input", "datatype": "FP32", "shape": [2, 4]}
RAW = np.array(ROWS, "<f4").tobytes()
MUTATIONS = 300


class Client:
    """Calls one server; what it gets are messages, or errors with a code and a text."""

    def __init__(self, server):
        self.address = json.loads(server.address_file.read_bytes())["grpc_address"]
        self.channel = grpc.insecure_channel(self.address)

    def send(self, method, body, **more):
        return self.channel.unary_unary(f"/{SERVICE}/{method}").with_call(body, timeout=60, **more)

    def call(self, method, /, metadata=None, **fields):
        body = getattr(MESSAGES, f"{method}Request")(**fields).SerializeToString()
        answer, call = self.send(method, body, metadata=metadata)
        self.trailing = dict(call.trailing_metadata())
        return getattr(MESSAGES, f"{method}Response").FromString(answer)

    def refused(self, method, /, **fields):
        with pytest.raises(grpc.RpcError) as caught:
            self.call(method, **fields)
        self.trailing = dict(caught.value.trailing_metadata())
        return caught.value.code().name, self.trailing.get("x-error-code"), caught.value.details()


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    limits = {"max_rows": 50, "max_body_bytes": 100_000}
    folder = make_folders.write({"double": make_folders.double}, limits=limits)
    return start_in_module(folder, "--grpc-port", "0", "--access-log", "errors").wait()


@pytest.fixture(scope="module")
def client(server):
    return Client(server)


def test_the_server_and_its_model_are_described(client):
    assert client.call("ServerLive").live
    assert client.call("ServerReady").ready
    assert client.call("ServerMetadata").name == "trial"
    assert client.call("ModelReady", name="double").ready
    described = client.call("ModelMetadata", name="double", version="1")
    assert (described.name, list(described.versions)) == ("double", ["1"])
    assert [(one.name, one.datatype, list(one.shape)) for one in described.inputs] == [("input", "FP32", [-1, 4])]
    assert [(one.name, list(one.shape)) for one in described.outputs] == [("doubled", [-1, 4]), ("prediction", [-1])]


def test_packed_and_listed_tensors_give_the_numbers_of_score(server, client):
    scored = server.score({"data": ROWS})[1]
    answer = client.call("ModelInfer", model_name="double", id="mine", inputs=[TENSOR], raw_input_contents=[RAW])
    assert (answer.model_name, answer.model_version, answer.id) == ("double", "1", "mine")
    doubled, prediction = (np.frombuffer(one, "<f4") for one in answer.raw_output_contents)
    assert doubled.reshape(2, 4).tolist() == np.float32(scored["doubled"]).tolist()
    assert prediction.tolist() == np.float32(scored["prediction"]).tolist()
    listed = {**TENSOR, "contents": {"fp32_contents": np.ravel(ROWS)}}
    answer = client.call("ModelInfer", model_name="double", model_version="1", inputs=[listed])
    assert not answer.raw_output_contents
    assert list(answer.outputs[0].contents.fp32_contents) == np.float32(scored["doubled"]).reshape(-1).tolist()
    assert [(one.name, list(one.shape)) for one in answer.outputs] == [("doubled", [2, 4]), ("prediction", [2])]


def test_outputs_are_chosen(client):
    wanted = [{"name": "prediction"}]
    answer = client.call("ModelInfer", model_name="double", inputs=[TENSOR], outputs=wanted, raw_input_contents=[RAW])
    assert [one.name for one in answer.outputs] == ["prediction"]
    assert len(answer.raw_output_contents) == 1


def test_the_id_of_a_request_comes_back_and_is_in_the_log(server, client):
    client.call("ServerLive", metadata=[("x-request-id", "look-for-me")])
    assert client.trailing["x-request-id"] == "look-for-me"
    client.refused("ModelInfer", model_name="nothing", metadata=[("x-request-id", "refused-one")])
    assert client.trailing["x-request-id"] == "refused-one"
    line = server.logged(lambda line: line.get("request_id") == "refused-one")
    assert (line["method"], line["status"], line["code"]) == ("GRPC", 404, "unknown-path")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"model_name": "doble"}, "NOT_FOUND", "unknown-path"),
        ({"model_version": "2"}, "NOT_FOUND", "unknown-path"),
        ({"inputs": []}, "INVALID_ARGUMENT", "wrong-form"),
        ({"inputs": [], "raw_input_contents": []}, "INVALID_ARGUMENT", "missing-column"),
        ({"inputs": [TENSOR, TENSOR], "raw_input_contents": [RAW, RAW]}, "INVALID_ARGUMENT", "unknown-column"),
        ({"inputs": [{**TENSOR, "name": "x"}]}, "INVALID_ARGUMENT", "unknown-column"),
        ({"inputs": [{**TENSOR, "datatype": "FP64"}]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"inputs": [{**TENSOR, "shape": [4, 2]}]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"inputs": [{**TENSOR, "shape": [-2, 4]}]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"inputs": [{**TENSOR, "shape": [0, 4]}]}, "INVALID_ARGUMENT", "no-rows"),
        ({"inputs": [{**TENSOR, "shape": [2**62, 4]}]}, "INVALID_ARGUMENT", "too-many-rows"),
        ({"inputs": [{**TENSOR, "shape": []}]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"inputs": [{**TENSOR, "shape": [1] * 33}]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"raw_input_contents": [RAW[1:]]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"raw_input_contents": [RAW + b"\0"]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"raw_input_contents": [RAW, RAW]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"raw_input_contents": []}, "INVALID_ARGUMENT", "wrong-form"),
        ({"raw_input_contents": [b"\0\0\xc0\x7f" * 8]}, "INVALID_ARGUMENT", "wrong-value"),
        ({"outputs": [{"name": "nothing"}]}, "INVALID_ARGUMENT", "wrong-form"),
        ({"inputs": [{**TENSOR, "contents": {"fp32_contents": [1]}}]}, "INVALID_ARGUMENT", "wrong-form"),
        (
            {"inputs": [{**TENSOR, "contents": {"fp32_contents": [float("inf")] * 8}}], "raw_input_contents": []},
            "INVALID_ARGUMENT",
            "wrong-value",
        ),
        (
            {
                "inputs": [{**TENSOR, "contents": {"fp32_contents": [1] * 8, "bool_contents": [True]}}],
                "raw_input_contents": [],
            },
            "INVALID_ARGUMENT",
            "wrong-form",
        ),
        (
            {"inputs": [{**TENSOR, "contents": {"fp64_contents": [1] * 8}}], "raw_input_contents": []},
            "INVALID_ARGUMENT",
            "wrong-form",
        ),
    ],
)
def test_a_wrong_request_gets_a_status_a_code_and_a_text(client, change, status, code):
    right = {"model_name": "double", "inputs": [TENSOR], "raw_input_contents": [RAW]}
    got = client.refused("ModelInfer", **{**right, **change})
    assert got[:2] == (status, code)
    assert len(got[2]) > 10


def test_messages_that_are_too_large_are_refused_also_when_compressed(client):
    for more in ({}, {"compression": grpc.Compression.Gzip}):
        with pytest.raises(grpc.RpcError) as caught:
            client.send("ModelInfer", b"\0" * 2_000_000, **more)
        assert caught.value.code().name == "RESOURCE_EXHAUSTED"
    assert client.call("ServerLive").live


def test_messages_that_would_take_long_to_read_are_refused_before(start, folders):
    folder = folders.write({"double": folders.double})
    client = Client(start(folder, "--grpc-port", "0").wait())
    right = {"model_name": "double", "inputs": [TENSOR], "raw_input_contents": [RAW]}
    many = {**right, "inputs": [{}] * 1_000_000}
    assert client.refused("ModelInfer", **many)[:2] == ("INVALID_ARGUMENT", "wrong-form")
    listed = {**TENSOR, "shape": [400_000, 4], "contents": {"fp32_contents": [1.0] * 1_600_000}}
    status, code, text = client.refused("ModelInfer", model_name="double", inputs=[listed])
    assert (status, code) == ("INVALID_ARGUMENT", "body-too-large")
    assert "raw_input_contents" in text
    large = np.ones((10_000, 4), "<f4").tobytes()
    answer = client.call(
        "ModelInfer", **{**right, "inputs": [{**TENSOR, "shape": [10_000, 4]}], "raw_input_contents": [large]}
    )
    assert np.frombuffer(answer.raw_output_contents[1], "<f4").tolist() == [4.0] * 10_000


def test_damaged_messages_are_the_clients_fault_and_the_server_goes_on(server, client):
    right = MESSAGES.ModelInferRequest(model_name="double", inputs=[TENSOR], raw_input_contents=[RAW])
    chance = random.Random(5)
    seen = set()
    for _ in range(MUTATIONS):
        body = bytearray(right.SerializeToString())
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(body))
            match chance.randrange(3):
                case 0:
                    body[at] = chance.randrange(256)
                case 1:
                    del body[at : at + chance.randint(1, 9)]
                case 2:
                    body[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 9)))
            body = body or bytearray(b"\xff")
        try:
            client.send("ModelInfer", bytes(body))
        except grpc.RpcError as error:
            seen.add(error.code().name)
    assert "INVALID_ARGUMENT" in seen
    assert seen <= {"INVALID_ARGUMENT", "NOT_FOUND"}
    assert client.call("ServerReady").ready
    assert len(server.workers()) == 1
    assert "Traceback" not in server.log


def test_others_are_answered_while_many_texts_are_read(start, folders):
    sides = [(name, TensorProto.STRING, [None, 100]) for name in ("input", "output")]
    model = folders.save([helper.make_node("Identity", ["input"], ["output"])], sides[:1], sides[1:])
    signature = {"inputs": [folders.field("input", "string", [None, 100])], "outputs": [], "form": "array"}
    client = Client(start(folders.write({"same": (model, signature, None)}), "--grpc-port", "0").wait())
    texts = [b"a text of some length"] * 500_000
    raw = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    tensor = {"name": "input", "datatype": "BYTES", "shape": [5000, 100]}
    fields = {"model_name": "same", "inputs": [tensor], "raw_input_contents": [raw]}
    body = MESSAGES.ModelInferRequest(**fields).SerializeToString()
    options = [("grpc.max_receive_message_length", -1)]
    channel = grpc.insecure_channel(client.address, options)
    large = channel.unary_unary(f"/{SERVICE}/ModelInfer").future(body, timeout=60)
    meanwhile = 0
    while not large.done():
        assert client.call("ServerLive").live
        meanwhile += 1
    channel.close()
    assert MESSAGES.ModelInferResponse.FromString(large.result()).raw_output_contents[0] == raw
    assert meanwhile >= 10


def test_calls_are_counted_by_model(server, client):
    def counted():
        lines = server.request("GET", "/metrics")[2].decode().splitlines()
        (line,) = [one for one in lines if "requests_total{" in one and 'model="double"' in one and 'code="200"' in one]
        return int(line.rpartition(" ")[2])

    before = counted()
    client.call("ModelInfer", model_name="double", inputs=[TENSOR], raw_input_contents=[RAW])
    assert counted() == before + 1
    assert "in_flight 1" not in server.request("GET", "/metrics")[2].decode().replace("in_flight 1\n", "", 1)


def test_keys_are_wanted_but_for_health(start, double_folder, keys_file, key):
    client = Client(start(double_folder, "--grpc-port", "0", "--keys-file", str(keys_file)).wait())
    assert client.call("ServerLive").live
    assert client.call("ModelReady", name="double").ready
    right = {"model_name": "double", "inputs": [TENSOR], "raw_input_contents": [RAW]}
    assert client.refused("ModelInfer", **right)[:2] == ("UNAUTHENTICATED", "wrong-key")
    assert client.refused("ServerMetadata")[:2] == ("UNAUTHENTICATED", "wrong-key")
    wrong = [("authorization", "Bearer wrong-key-wrong-key")]
    assert client.refused("ModelInfer", metadata=wrong, **right)[:2] == ("UNAUTHENTICATED", "wrong-key")
    assert client.call("ModelInfer", metadata=[("authorization", f"Bearer {key}")], **right).outputs
    assert client.call("ModelInfer", metadata=[("x-api-key", key)], **right).outputs


def test_scripts_take_no_tensors_and_say_so(start, folders):
    server = start(folders.write({}, code="def run(data):\n    return data\n"), "--grpc-port", "0").wait()
    client = Client(server)
    assert client.call("ModelMetadata", name="trial").name == "trial"
    status, code, text = client.refused("ModelInfer", model_name="trial", inputs=[TENSOR], raw_input_contents=[RAW])
    assert (status, code) == ("INVALID_ARGUMENT", "wrong-form")
    assert "/score" in text
    assert server.request("POST", "/v2/models/trial/infer", b'{"inputs": []}')[0] == 400
    assert json.loads(server.request("GET", "/v2/models/trial")[2])["inputs"] == []


def test_workers_share_the_port_and_each_answers(start, double_folder):
    server = start(double_folder, "--grpc-port", "0", "--workers", "2").wait()
    address = Client(server).address
    until_all_serve(server)
    seen = set()
    for _ in range(60):
        with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            _, call = channel.unary_unary(f"/{SERVICE}/ServerLive").with_call(b"", timeout=60, wait_for_ready=True)
        seen.add(dict(call.trailing_metadata())["x-request-id"].partition("-")[0])
        if len(seen) == 2:
            break
    assert len(seen) == 2


def test_a_port_that_is_taken_stops_the_start(start, double_folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = start(double_folder, "--grpc-port", str(taken.getsockname()[1]))
        assert server.process.wait(60) == 3
    assert json.loads(server.failure_file.read_bytes())["phase"] == "listen"


class Load:
    """Clients that call one after the other, until each has failed or all are told to end."""

    def __init__(self, server, clients=4):
        self.failed, self.answered, self.over = [], [], False
        self.threads = [threading.Thread(target=self.run, args=(Client(server),)) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, client):
        while not self.over:
            try:
                self.answered.append(
                    client.call("ModelInfer", model_name="double", inputs=[TENSOR], raw_input_contents=[RAW])
                )
            except grpc.RpcError as error:
                self.failed.append((error.code().name, error.details()))
                return

    def until(self, count):
        end = time.monotonic() + 60
        while len(self.answered) < count and not self.failed and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.answered) >= count, self.failed

    def end(self):
        self.over = True
        for thread in self.threads:
            thread.join(60)


def test_calls_under_way_end_well_when_the_server_is_stopped(start, double_folder):
    server = start(double_folder, "--grpc-port", "0").wait()
    load = Load(server)
    load.until(50)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    load.end()
    # none was cut off: they met nobody who listens, and may be sent again
    assert [(code, "refused" in text) for code, text in load.failed] == [("UNAVAILABLE", True)] * 4
    assert "Traceback" not in server.log


def test_a_reload_fails_no_call(start, double_folder):
    server = start(double_folder, "--grpc-port", "0").wait()
    old = server.workers()
    load = Load(server)
    load.until(50)
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 60
    while set(server.workers()) & set(old) and time.monotonic() < end:
        time.sleep(0.05)
    load.until(len(load.answered) + 50)
    load.end()
    assert load.failed == []
    assert not set(server.workers()) & set(old)
