"""Scripts with init() and run(data) are served."""

import json

import numpy as np
import pytest

SCRIPT = """
import json, os
import numpy as np
import beside

def init():
    global calls
    calls = 0

def run(data):
    global calls
    calls += 1
    asked = json.loads(data)
    what = asked["what"]
    if what == "calls": return calls
    if what == "echo": return data
    if what == "beside": return beside.VALUE
    if what == "folder": return sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"]))
    if what == "numpy": return {"a": np.arange(3), "b": np.float32(0.5), 3: np.int64(4), "d": np.array(["x"])}
    if what == "nan": return [float("nan"), np.inf, np.array([np.nan])]
    if what == "frame":
        import pandas
        return pandas.DataFrame({"a": [1, 2]})
    if what == "set": return {1, 2}
    if what == "raise": raise ValueError("a secret at /etc/place")
    if what == "exit": raise SystemExit(0)
    if what == "interrupt": raise KeyboardInterrupt
    if what == "deep": return run(data)
    if what == "bytes": return b"x"
"""


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    folder = make_folders.write({"double": make_folders.double}, code=SCRIPT)
    (folder / "code" / "beside.py").write_text("VALUE = 'from beside'\n")
    return start_in_module(folder).wait()


def ask(server, what):
    return server.score({"what": what})


def test_answers_are_what_run_returns(server):
    assert ask(server, "beside") == (200, "from beside")
    assert ask(server, "echo") == (200, json.dumps({"what": "echo"}))
    assert ask(server, "nothing") == (200, {})
    assert ask(server, "frame") == (200, {"a": {"0": 1, "1": 2}})
    assert ask(server, "numpy") == (200, {"a": [0, 1, 2], "b": 0.5, "3": 4, "d": ["x"]})
    assert ask(server, "nan") == (200, [None, None, [None]])


def test_init_was_called_once(server):
    status, first = ask(server, "calls")
    assert (status, ask(server, "calls")[1]) == (200, first + 1)


def test_the_models_folder_is_in_the_environment(server):
    assert ask(server, "folder") == (200, ["model.onnx"])


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("raise", "ValueError"),
        ("exit", "SystemExit"),
        ("interrupt", "KeyboardInterrupt"),
        ("set", "TypeError"),
        ("bytes", "TypeError"),
        ("deep", "RecursionError"),
    ],
)
def test_a_script_that_fails_shows_its_traceback_in_the_log_only(server, what, kind):
    status, headers, body = server.request(
        "POST", "/score", json.dumps({"what": what}), {"content-type": "application/json", "x-request-id": f"id-{what}"}
    )
    answer = json.loads(body)
    assert (status, answer["code"], headers["x-request-id"]) == (500, "script-failed", f"id-{what}")
    assert kind in answer["text"]
    assert b"secret" not in body
    assert b"Traceback" not in body
    line = server.logged(lambda line: f"id-{what}" in line["text"])
    assert "Traceback" in line["traceback"]
    assert kind in line["traceback"]
    assert ask(server, "echo")[0] == 200
    assert len(server.workers()) == 1


def test_text_that_is_not_utf_8_is_400(server):
    status, answer = server.score(b'{"what": "\xff"}')
    assert (status, answer["code"], answer["position"]) == (400, "malformed-body", 10)


def test_models_beside_the_script_are_served_too(server, rows):
    status, answer = server.score({"data": rows}, "/score/double")
    assert (status, answer["prediction"]) == (200, np.sum(rows, axis=1).tolist())
