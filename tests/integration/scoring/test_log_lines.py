"""Every line of the log is one of ours, also while models fail: JSON, with the id of the request."""

import json

import pytest
from onnx import TensorProto, helper

FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
SCRIPT = """
import logging, sys, warnings
def run(data):
    print("a line\\n{\\"forged\\": true}")
    print("an error", file=sys.stderr)
    logging.getLogger("of.the.script").error("a %s", "warning")
    warnings.warn("be warned")
    raise ValueError("\\x1b[31ma reason\\nof two lines")
"""
GATHER = helper.make_node("Gather", ["v", "x"], ["y"])
CAST = helper.make_node("Cast", ["x"], ["y"], to=INT64)
TWO = helper.make_tensor("v", FLOAT, [2], [1.0, 2.0])


def signature(folders, kind, out):
    return {
        "inputs": [folders.field("x", kind, [None])],
        "outputs": [folders.field("y", out, [None])],
        "form": "array",
    }


@pytest.fixture
def folder(folders):
    gather = folders.save([GATHER], [("x", INT64, [None])], [("y", FLOAT, [None])], [TWO])
    cast = folders.save([CAST], [("x", STRING, [None])], [("y", INT64, [None])])
    sample = {"request": {"data": [1]}, "answer": {"y": [2.0]}}
    models = {
        "gather": (gather, signature(folders, "int64", "float32"), sample),
        "cast": (cast, signature(folders, "string", "int64"), None),
    }
    return folders.write(models)


def read(log):
    return [json.loads(line) for line in log.splitlines()]


def test_the_log_of_models_that_fail_is_json(folder, start):
    server = start(folder).wait()
    for path, value in (("/score/gather", 5), ("/score/cast", "no number\n[E:forged]")):
        status, answer = server.score({"data": [value]}, path)
        assert (status, answer["code"]) == (500, "model-failed")
        line = server.logged(lambda line: line.get("request_id") == answer["request_id"] and "traceback" in line)  # noqa: B023
        assert "ONNXRuntimeError" in line["traceback"]
    assert server.stop() == 0
    assert all({"time", "level", "text"} <= line.keys() for line in read(server.log))


def test_the_log_of_scripts_that_fail_is_json(folders, start):
    server = start(folders.write({}, code=SCRIPT)).wait()
    assert server.score({})[0] == 500
    assert server.stop() == 0
    lines = read(server.log)
    assert all({"time", "level", "text"} <= line.keys() for line in lines)
    texts = [line["text"] for line in lines]
    assert {"a line", "an error", "a warning", '{"forged": true}'} <= set(texts)


def test_the_phases_of_a_start_name_their_models(folder, start):
    server = start(folder).wait()
    assert server.stop() == 0
    texts = [line["text"] for line in read(server.log)]
    phases = ("verify", "import", "init", "warm-up")
    begun = [f"The phase {phase} of {model}:1 begins." for model in ("gather", "cast") for phase in phases]
    assert [text for text in texts if text.startswith("The phase")] == [*begun, "The phase serving begins."]
