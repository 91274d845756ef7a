"""Code is tried as it will run in the image, and what it touched is judged."""

import os
from pathlib import Path

import pytest

from modelyard.environments.contents import Variable

RUN = 'def run(data):\n    return {"y": 2}\n'


def test_a_control_good_code_passes_and_nothing_is_to_be_looked_at(try_code):
    report = try_code('import json, yaml\ndef run(data):\n    return {"y": json.loads(data)["x"] + 1}\n', "pyyaml")

    assert report.passed, report.text
    judged = report.judgement
    assert (judged.indirect, judged.unused, judged.outside, judged.network, judged.written) == ((), (), (), (), ())
    assert [one.distribution for one in report.touched.imported] == ["PyYAML"]
    assert report.peak_memory > 2**20
    assert report.seconds > 0


def test_what_is_imported_and_what_is_declared_are_compared(try_code):
    report = try_code("import click, numpy, yaml\n" + RUN, "scikit-learn", "pyyaml")

    assert {one.distribution for one in report.judgement.undeclared} >= {"click"}
    assert all(one.by.endswith("score.py") for one in report.judgement.undeclared if one.module == "click")
    assert report.judgement.unused == ("scikit-learn",)


def test_what_others_brought_is_told_where_the_code_imports_it(try_code):
    report = try_code("import sklearn\nimport numpy\n" + RUN, "scikit-learn")

    assert [one.distribution for one in report.judgement.indirect] == ["numpy"]
    assert report.judgement.indirect[0].by.endswith("code/score.py")


def test_files_and_addresses_are_judged(try_code, tmp_path):
    (tmp_path / "data.csv").touch()
    source = f"""
import os, socket
def init():
    open({str(tmp_path / "data.csv")!r}).close()
    open(os.environ["HOME"] + "/cache", "w").close()
    open("log.txt", "w").close()
    try:
        socket.create_connection(("127.0.0.1", 1))
    except OSError:
        pass
{RUN}"""

    report = try_code(source)

    assert report.passed, report.text
    assert report.judgement.outside == (str(tmp_path / "data.csv"),)
    assert report.judgement.written == (str(tmp_path / "folder/code/log.txt"),)
    assert set(report.judgement.network) == {"127.0.0.1", "127.0.0.1:1"}
    assert f"Read outside the image: {tmp_path / 'data.csv'}." in report.text


def test_the_code_has_the_variables_of_the_image_and_no_others(try_code, monkeypatch):
    monkeypatch.setenv("A_SECRET", "of this machine")
    variables = (Variable(name="OF_THE_IMAGE", value="here"),)
    source = f"""
import os
assert "A_SECRET" not in os.environ and os.environ["OF_THE_IMAGE"] == "here"
assert os.listdir(os.environ["HOME"]) == [] and os.environ["LANG"] == "C.UTF-8"
assert os.environ["HOME"] != {os.environ["HOME"]!r}
{RUN}"""

    report = try_code(source, variables=variables)

    assert report.passed, report.text


def test_an_application_is_tried_too(try_code):
    source = """
def application(environ, start_response):
    start_response("200 OK", [("content-type", "application/json"), ("content-length", "7")])
    return [b'{"y":2}']
"""

    report = try_code(source, application="score:application", interface="wsgi")

    assert report.passed, report.text


@pytest.mark.parametrize(
    ("source", "phase", "kind", "said"),
    [
        ("def run(data)\n", "import", "SyntaxError", "Correct the script"),
        ("import sklearn_of_mine\n" + RUN, "import", "ModuleNotFoundError", "most likely sklearn-of-mine"),
        ("def init():\n    open('/nowhere/model.pkl')\n" + RUN, "init", "FileNotFoundError", "AZUREML_MODEL_DIR"),
        ("def init():\n    exit(1)\n" + RUN, "init", "SystemExit", "raise an exception"),
        ("import ctypes\nctypes.CDLL('libGL.so.99')\n" + RUN, "import", "OSError", "apt-file search libGL.so.99"),
        ("def run(data):\n    return {'y': 3}\n", "warm-up", "SampleError", "not those that were registered"),
        ("def run(data):\n    1 / 0\n", "warm-up", "ZeroDivisionError", ""),
        ("def run(data):\n    import cv3\n", "warm-up", "ModuleNotFoundError", "most likely cv3"),
    ],
)
def test_a_failure_says_phase_and_what_to_do(try_code, source, phase, kind, said):
    report = try_code(source)

    assert (report.failure.phase, report.failure.type) == (phase, kind), report.text
    assert said in report.failure.hint
    assert report.touched is not None


def test_a_failure_of_the_code_has_its_line(try_code):
    report = try_code("def init():\n    1 / 0\n" + RUN)

    assert 'score.py", line 2, in init' in report.failure.traceback
    assert "ZeroDivisionError" in report.text


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_an_application_that_fails_on_the_sample_has_its_line(try_code, interface):
    begin = {"asgi": "async def application(scope, receive, send):", "wsgi": "def application(environ, begin):"}

    report = try_code(f"{begin[interface]}\n    1 / 0\n", application="score:application", interface=interface)

    assert (report.failure.phase, report.failure.type) == ("warm-up", "ZeroDivisionError"), report.text
    assert 'score.py", line 2, in application' in report.failure.traceback


def test_an_application_that_answers_with_an_error_says_what_it_was(try_code):
    source = "def application(environ, begin):\n    begin('404 Not Found', [])\n    return [b'<html>none here']\n"

    report = try_code(source, application="score:application")

    assert report.failure.type == "SampleError"
    assert "the status 404: <html>none here" in report.failure.message


def test_an_interpreter_that_is_not_there_is_a_failure_of_the_start(try_code, tmp_path):
    report = try_code(RUN, python=tmp_path / "no-python")

    assert (report.failure.phase, report.touched) == ("start", None)
    assert "no-python cannot be started" in report.log


def test_a_folder_that_cannot_be_served_is_a_failure_of_the_folder(try_code):
    report = try_code(RUN, entry="../score.py")

    assert report.failure.phase == "folder", report.text
    assert "service.json" in report.failure.message


def test_nothing_of_a_trial_is_left_in_temporary_folders(try_code, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    assert try_code(RUN).passed
    assert list(Path(tmp_path / "temporary").iterdir()) == []
