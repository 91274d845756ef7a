"""The command that people type."""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from urllib.request import Request, urlopen

import pytest
from onnx import TensorProto, helper

FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING

APPLICATION = """
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
"""


@pytest.fixture
def file(tmp_path, folders):
    """Write an ONNX file of its own, by default one that doubles rows."""

    def write(content=folders.double[0], name="my model.onnx"):
        (tmp_path / "other.txt").write_text("a neighbour")
        place = tmp_path / name
        place.write_bytes(content)
        return place

    return write


def run(*arguments, **environ):
    command = [sys.executable, "-m", "modelyard_scoring", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environ}
    )


def test_a_file_is_served_on_its_own(file, start, rows):
    server = start(file()).wait()
    status, answer = server.score({"data": rows}, "/score/my-model")
    assert (status, answer["prediction"]) == (200, [sum(row) for row in rows])
    counts = server.metrics()
    assert counts.scoring("info", service="my-model", models="my-model:1") == 1
    assert counts.scoring("model_workers", place="loop") == 1
    document = json.loads(server.request("GET", "/openapi.json")[2])
    assert '"data":[[0.5,0.25,1.0,0.0]]' in json.dumps(document, separators=(",", ":"))


def test_a_file_with_several_inputs_takes_columns_by_name(file, folders, start):
    nodes = [helper.make_node("Cast", ["n"], ["m"], to=FLOAT), helper.make_node("Add", ["x", "m"], ["y"])]
    inputs = [("x", FLOAT, [None, 1]), ("n", INT64, ["rows", 1]), ("s", STRING, [None, 1])]
    nodes.append(helper.make_node("Identity", ["s"], ["t"]))
    content = folders.save(nodes, inputs, [("y", FLOAT, [None, 1]), ("t", STRING, [None, 1])])
    server = start(file(content, "sum.onnx")).wait()
    assert server.score([{"s": "é", "n": 2, "x": 0.5}]) == (200, {"y": [[2.5]], "t": [["é"]]})


def test_a_file_with_inputs_of_several_values_takes_tensors(file, folders, start):
    nodes = [helper.make_node("Mul", ["ids", "mask"], ["kept"]), helper.make_node("Identity", ["flag"], ["same"])]
    inputs = [("ids", INT64, ["n", "length"]), ("mask", INT64, ["n", "length"]), ("flag", TensorProto.BOOL, ["n"])]
    outputs = [("kept", INT64, ["n", "length"]), ("same", TensorProto.BOOL, ["n"])]
    server = start(file(folders.save(nodes, inputs, outputs), "bert.onnx")).wait()
    request = {"data": {"ids": [[7, 8, 9]], "mask": [[1, 1, 0]], "flag": [True]}}
    assert server.score(request) == (200, {"kept": [[7, 8, 0]], "same": [True]})
    document = json.loads(server.request("GET", "/openapi.json")[2])
    example = document["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert example == {"data": {"ids": [[1]], "mask": [[1]], "flag": [True]}}
    assert server.score(example)[0] == 200
    assert "one by one" not in server.log


def test_a_file_whose_rows_influence_each_other_is_not_joined(file, folders):
    nodes = [helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0), helper.make_node("Div", ["x", "s"], ["y"])]
    done = run(file(folders.save(nodes, [("x", FLOAT, [None, 2])], [("y", FLOAT, [None, 2])])), "--check")
    assert (done.returncode, "requests run one by one" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ([("x", FLOAT, [None, 2]), ("y", FLOAT, [])], "which rows cannot fill"),
        ([("x", FLOAT, [3, 2])], "with a fixed number of rows"),
        ([("x", TensorProto.BFLOAT16, [None, 2])], "bfloat16"),
        ([("x", FLOAT, [])], "which rows cannot fill"),
    ],
)
def test_a_file_that_cannot_be_served_says_why_and_what_to_do(file, folders, inputs, problem, tmp_path):
    nodes = [helper.make_node("Identity", [name], ["out" + name]) for name, _, _ in inputs]
    outputs = [("out" + name, kind, shape) for name, kind, shape in inputs]
    done = run(file(folders.save(nodes, inputs, outputs)), "--check", "--failure-file", tmp_path / "failure.json")
    assert done.returncode == 3
    failure = json.loads((tmp_path / "failure.json").read_text())
    assert problem in failure["message"]
    assert (
        "docs/reference/model-folder.md" in failure["message"] or "first axis that is not fixed" in failure["message"]
    )


@pytest.mark.parametrize(("name", "content"), [("no.onnx", None), ("bad.onnx", b"\x00" * 100), ("empty.onnx", b"")])
def test_what_is_no_model_stops_the_start(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = run(tmp_path / name, "--check")
    assert done.returncode == 3
    assert name in done.stderr


def test_check_loads_a_folder_and_ends(double_folder, folders):
    done = run(double_folder, "--check")
    assert done.returncode == 0
    assert re.fullmatch(
        r"double:1: it answers its sample as recorded in \S+ ms; requests are joined, in the event loop\.\n",
        done.stdout,
    )
    script = folders.write({}, code="def run(data):\n    return data\n")
    done = run(script, "--check")
    assert (done.returncode, done.stdout.count("in a thread")) == (0, 1), done.stderr
    application = folders.write({}, code=APPLICATION)
    service = json.loads((application / "service.json").read_text())
    service["code"] = {"path": "code", "entry": "score.py", "application": "score:application"}
    (application / "service.json").write_text(json.dumps(service))
    done = run(application, "--check")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    done = run(folders.write({}, code="1 / 0\n"), "--check")
    assert (done.returncode, done.stdout) == (3, "")
    assert "ZeroDivisionError" in done.stderr


def test_a_key_comes_from_its_variable_and_is_shown_nowhere(file, start, key, rows):
    server = start(file(), environ={"MODELYARD_SCORING_KEY": key}).wait()
    assert server.score({"data": rows})[0] == 401
    assert server.score({"data": rows}, authorization=f"Bearer {key}")[0] == 200
    assert key not in server.log
    assert "in the list of processes" not in server.log


def test_a_key_among_the_options_is_warned_of(file, start, key):
    server = start(file(), "--key", key).wait()
    assert server.logged(lambda line: "in the list of processes" in line["text"])["level"] == "warning"
    assert key not in server.log


def test_a_bad_key_is_not_repeated(tmp_path):
    done = run(tmp_path, "--key", "shortsecret")
    assert (done.returncode, "shortsecret" in done.stderr) == (2, False)
    assert "16 to 256 visible" in done.stderr


def test_help_has_examples_and_the_version_is_told():
    done = run("--help")
    assert "modelyard-score digits.onnx" in done.stdout
    assert run("--version").stdout == "modelyard-score 0.1.0\n"


def test_a_person_at_a_terminal_is_told_what_to_type(file, tmp_path):
    own, terminal = pty.openpty()
    command = [sys.executable, "-m", "modelyard_scoring", str(file()), "--port", "0"]
    process = subprocess.Popen(command, stdout=terminal, stderr=terminal)
    os.close(terminal)
    try:
        said = b""
        while b"Ctrl-C" not in said:
            said += os.read(own, 4096)
        line = next(one for one in said.decode().splitlines() if one.startswith("  curl"))
        words = shlex.split(line)
        given = {before: after for before, after in pairwise(words) if before.startswith("-")}
        header = dict([given["-H"].split(": ")])
        with urlopen(Request(words[-1], given["-d"].encode(), header), timeout=10) as answer:
            assert set(json.load(answer)) == {"doubled", "prediction"}
        os.write(own, b"\x03")
    finally:
        process.terminate()
        process.wait(60)
        os.close(own)


def test_a_file_that_is_not_there_is_named(tmp_path):
    done = run(tmp_path / "none.onnx")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.startswith(f"{tmp_path / 'none.onnx'}: there is no such file.")
