"""A start that fails ends at once, and says why in a file."""

import json
import re
import socket

import pytest


def failure(server):
    assert server.process.wait(60) == 3, server.log
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
    told = kind.startswith("Script")
    assert "runner.py" not in record["traceback"]
    assert ("Traceback" in server.log, record["traceback"].startswith("Traceback")) == (not told, not told)
    assert record["message"] in server.logged(lambda line: "The start failed in the phase" in line["text"])["text"]


def test_a_script_that_crashes_is_named_with_its_line_and_signal(folders, start):
    record = failure(start(folders.write({}, code="import ctypes\ndef init(): ctypes.string_at(0)\ndef run(x): pass")))
    assert (record["phase"], record["exit_status"]) == ("init", -11)
    assert 'score.py", line 2 in init' in record["traceback"]


def test_a_port_that_is_taken_is_named(double_folder, start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--port", "--admin-port", "--grpc-port"):
            server = start(double_folder, option, str(port))
            record = failure(server)
            assert (record["phase"], record["type"]) == ("listen", "AddressError")
            assert server.log == record["message"] + "\n"
            assert server.log.startswith(f"The server cannot listen at 127.0.0.1:{port} ({option}): Address already ")


def test_an_address_of_another_machine_is_named(double_folder, start, keys_file):
    server = start(double_folder, "--host", "192.0.2.1", "--port", "8080", "--keys-file", str(keys_file))
    assert "192.0.2.1:8080 (--port): Cannot assign requested address" in failure(server)["message"]


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_model_that_is_not_onnx_is_refused_at_once(folders, start, workers):
    _, signature, sample = folders.double
    server = start(folders.write({"double": (b"not a model", signature, sample)}), "--workers", workers)
    record = failure(server)
    assert (record["phase"], record["type"], record["traceback"]) == ("init", "EngineError", "")
    assert "Traceback" not in server.log
    assert server.log.count("Booting worker") <= 2 * int(workers)


def test_a_stale_record_is_removed_when_a_start_succeeds(double_folder, start, tmp_path):
    stale = tmp_path / "stale.json"
    stale.write_text("{}")
    server = start(double_folder, "--failure-file", str(stale))
    server.wait()
    assert not stale.exists()


def test_wrong_settings_are_one_line_and_status_2(double_folder, start):
    server = start(double_folder, environ={"MODELYARD_SCORING_WORKERS": "none"})
    assert server.process.wait(60) == 2
    assert server.log == "MODELYARD_SCORING_WORKERS is 'none'. Allowed: 1 to 128.\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("typo", "typo: there is no such folder. Give the folder that holds service.json, or a file NAME.onnx."),
        ("typo.onnx", "there is no such file"),
        ("empty", "empty/service.json: there is no such file. Give the folder that holds service.json."),
        ("bare", "bare/service.json: there is no such file. Did you mean the model on its own? Give {}/bare/m.onnx."),
        ("bare/f.txt", "f.txt: this is no folder. Give the folder that holds service.json, or a file NAME.onnx."),
        ("bare/m.onnx", "The model m.onnx cannot be served: "),
    ],
)
def test_a_path_with_nothing_to_serve_is_told_in_a_line(tmp_path, start, path, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/m.onnx").write_bytes(b"not a model")
    (tmp_path / "bare/f.txt").write_bytes(b"")
    server = start(tmp_path / path)
    record = failure(server)
    assert (record["phase"], record["traceback"]) == ("folder", "")
    assert server.log == record["message"] + "\n"
    assert said.format(tmp_path) in server.log


def test_a_keys_file_that_others_can_read_is_told_in_a_line(double_folder, start, keys_file):
    keys_file.chmod(0o644)
    server = start(double_folder, "--keys-file", str(keys_file))
    assert failure(server)["phase"] == "settings"
    assert re.fullmatch(r"The keys file \S+ can be read by others than its owner\. .*\n", server.log)


def test_a_script_that_lacks_run_is_told_that(folders, start):
    message = failure(start(folders.write({}, code="def init(): pass")))["message"]
    assert message.endswith("has no function run(). It needs run(data); init() is called once before, if it is there.")
