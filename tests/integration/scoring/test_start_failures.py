"""A start that fails ends at once, and says why in a file."""

import json
import socket

import pytest


def failure(server):
    assert server.process.wait(20) == 3, server.log
    return json.loads(server.failure_file.read_bytes())


def test_a_flipped_byte_is_refused_with_both_digests(double_folder, start):
    file = double_folder / "models/double/1/model.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    record = failure(start(double_folder, "--workers", "2"))
    wanted = json.loads((double_folder / "service.json").read_bytes())["models"][0]["files"]["model.onnx"]
    assert (record["phase"], record["type"]) == ("verify", "DigestError")
    assert str(file) in record["message"]
    assert wanted in record["message"]
    assert len(record["message"].split(wanted)) == 2


def test_an_answer_that_is_not_the_recorded_one_is_refused(folders, start):
    content, signature, sample = folders.double
    sample = {"request": sample["request"], "answer": {**sample["answer"], "prediction": [10.1]}}
    record = failure(start(folders.write({"double": (content, signature, sample)})))
    assert (record["phase"], record["type"]) == ("warm-up", "SampleError")
    assert "prediction[0]" in record["message"]


@pytest.mark.parametrize(
    ("code", "phase", "kind"),
    [
        ("import not_there_at_all", "import", "ModuleNotFoundError"),
        ("def run(data) return 1", "import", "SyntaxError"),
        ("def run(data): return 1\ndef init(): open('/not/there')", "init", "FileNotFoundError"),
        ("import sys\ndef run(data): return 1\ndef init(): sys.exit(4)", "init", "SystemExit"),
        ("def init(): pass", "import", "ScriptError"),
        ("import os\ndef run(data): return 1\ndef init(): os._exit(0)", "init", "ScriptDiedError"),
        ("import ctypes\ndef run(data): return 1\ndef init(): ctypes.string_at(0)", "init", "ScriptDiedError"),
    ],
)
def test_a_script_that_fails_is_named_with_its_phase(folders, start, code, phase, kind):
    server = start(folders.write({}, code=code))
    record = failure(server)
    assert (record["phase"], record["type"]) == (phase, kind)
    if kind != "ScriptDiedError":
        assert record["traceback"].startswith("Traceback")
        assert "Traceback" in server.log


def test_a_port_that_is_taken_is_named(double_folder, start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start(double_folder, "--port", str(port))
        assert server.process.wait(20) == 1
    record = json.loads(server.failure_file.read_bytes())
    assert record["phase"] == "listen"
    assert f"127.0.0.1:{port}" in record["message"]


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_model_that_is_not_onnx_is_refused_at_once(folders, start, workers):
    _, signature, sample = folders.double
    server = start(folders.write({"double": (b"not a model", signature, sample)}), "--workers", workers)
    record = failure(server)
    assert record["phase"] == "init"
    assert server.log.count("Booting worker") <= 2 * int(workers)


def test_a_stale_record_is_removed_when_a_start_succeeds(double_folder, start, tmp_path):
    stale = tmp_path / "stale.json"
    stale.write_text("{}")
    server = start(double_folder, "--failure-file", str(stale))
    server.wait()
    assert not stale.exists()


def test_wrong_settings_are_one_line_and_status_2(double_folder, start):
    server = start(double_folder, environ={"MODELYARD_SCORING_WORKERS": "none"})
    assert server.process.wait(20) == 2
    assert server.log == "MODELYARD_SCORING_WORKERS is 'none'. Allowed: 1 to 128.\n"


def test_a_folder_without_service_json_is_refused(tmp_path, start):
    record = failure(start(tmp_path))
    assert (record["phase"], record["type"]) == ("folder", "FolderError")
