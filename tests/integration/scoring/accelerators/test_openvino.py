"""A service that asks for OpenVINO runs on it, in an environment that has it: its packages replace onnxruntime's."""

import json
from pathlib import Path

import pytest
from tests.peers import peer_python

SCORING = Path(__file__).resolve().parents[4] / "scoring"


@pytest.fixture
def folder(double_folder):
    """Write a model folder whose service asks for OpenVINO."""
    service = json.loads((double_folder / "service.json").read_text())
    (double_folder / "service.json").write_text(json.dumps({**service, "accelerator": "openvino"}))
    return double_folder


def test_the_sample_is_answered_on_openvino(folder, start, rows):
    python = peer_python(Path(__file__).with_name("openvino.txt"))
    server = start(folder, python=python, environ={"PYTHONPATH": str(SCORING)}).wait()
    status, answer = server.score({"data": rows})
    assert (status, answer["prediction"]) == (200, [sum(row) for row in rows])
    line = server.logged(lambda line: "is run by" in line["text"])
    assert "OpenVINOExecutionProvider" in line["text"]


def test_without_openvino_the_start_fails_and_says_what_to_install(folder, start):
    server = start(folder)
    assert server.process.wait(60) == 3
    message = json.loads(server.failure_file.read_text())["message"]
    assert "'openvino' cannot be used: the onnxruntime that is installed has no OpenVINOExecutionProvider" in message
    assert "CPUExecutionProvider" in message
    assert "onnxruntime-openvino" in message
