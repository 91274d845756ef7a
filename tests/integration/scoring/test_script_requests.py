"""What scripts take and give: typed arguments, raw requests, queries, and functions that are async."""

import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator

TYPED = """
import numpy as np
import pandas as pd
from inference_schema.schema_decorators import input_schema
from modelyard_scoring.schema_decorators import (
    NumpyParameterType, PandasParameterType, StandardPythonParameterType, output_schema
)

@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
@input_schema("frame", StandardPythonParameterType({"x": PandasParameterType(pd.DataFrame({"a": [1], "b": ["x"]}))}))
@output_schema(StandardPythonParameterType({"sum": [3.0]}))
def run(data, frame=None):
    return {"sum": data.sum(axis=1), "frame": None if frame is None else list(frame["x"].columns)}
"""
RAW = """
import hashlib
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

@rawhttp
def run(request):
    assert isinstance(request, AMLRequest)
    what = request.args.get("what")
    if what == "bytes": return AMLResponse(request.get_data()[::-1], 201, {"Content-Type": "image/png", "X-Own": "1"})
    if what == "none": return AMLResponse(None, 204)
    if what == "json": return AMLResponse({"a": [request.get_json()]}, 418, {}, json_str=True)
    if what == "form":
        return {"form": dict(request.form), "files": {name: one.read().hex() for name, one in request.files.items()}}
    if what == "header": return AMLResponse("x", 200, {"X-Own": "a\\r\\nset-cookie: forged"})
    if what == "name": return AMLResponse("x", 200, {"X-Own: 1\\r\\nforged": "a"})
    if what == "connection": return AMLResponse("x", 200, {"Connection": "close", "Transfer-Encoding": "chunked"})
    if what == "status": return AMLResponse("x", 99)
    return {"method": request.method, "path": request.path, "args": request.args.to_dict(flat=False),
            "agent": request.headers["User-AGENT"], "length": request.content_length}
"""
ASYNC = """
import asyncio, json, logging, os, threading
from azureml.core.model import Model

async def init():
    global lock, most, running
    lock, most, running = asyncio.Event(), 0, 0

async def run(data, request_headers):
    global most, running
    asked = json.loads(data)
    running += 1
    most = max(most, running)
    print("begin", asked["n"])
    while most < asked["together"]: await asyncio.sleep(0.01)
    await asyncio.sleep(0.15)  # time for one too many
    logging.getLogger("own").warning("end %s", asked["n"])
    running -= 1
    return {"n": asked["n"], "most": most, "own": request_headers["X-Own"], "threads": threading.active_count()}
"""


@pytest.fixture(scope="module")
def typed_server(make_folders, start_in_module):
    return start_in_module(make_folders.write({}, code=TYPED)).wait()


@pytest.fixture(scope="module")
def raw_server(make_folders, start_in_module):
    return start_in_module(make_folders.write({}, code=RAW)).wait()


def test_arguments_come_in_the_types_that_decorators_name(typed_server):
    assert typed_server.score({"data": [[1, 2], [3, 4]]}) == (200, {"sum": [3.0, 7.0], "frame": None})
    frame = {"x": [{"b": "q", "a": 1}]}
    assert typed_server.score({"data": [[1, 2]], "frame": frame}) == (200, {"sum": [3.0], "frame": ["a", "b"]})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "malformed-body"),
        ("", 400, "malformed-body"),
        ("[1]", 400, "wrong-form"),
        ("{}", 400, "wrong-form"),
        ('{"data": 1}', 400, "wrong-argument"),
        ('{"data": [[1]]}', 400, "wrong-argument"),
        ('{"data": [[1, "x"]]}', 400, "wrong-argument"),
        ('{"data": [[1, 2], [3]]}', 400, "wrong-argument"),
        ('{"data": [[1, 2]], "frame": {"x": [{"a": "y", "b": "z"}]}}', 400, "wrong-argument"),
        ('{"data": [[1, 2]], "frame": {"x": [{"a": 1}]}}', 400, "wrong-argument"),
        ('{"data": [[1, 2]], "frame": 3}', 400, "wrong-argument"),
    ],
)
def test_arguments_of_other_types_are_400(typed_server, body, status, code):
    got, answer = typed_server.score(body)
    assert (got, answer["code"]) == (status, code)
    assert "Traceback" not in answer["text"]
    assert "/" not in answer["text"]


def test_arguments_are_taken_from_json_only(typed_server):
    assert typed_server.score('{"data": [[1, 2]]}', kind="text/plain")[1]["code"] == "wrong-content-type"


def test_a_query_has_arguments_too(typed_server):
    status, _, body = typed_server.request("GET", "/score?data=%5B%5B1,2%5D%5D")
    assert (status, json.loads(body)["sum"]) == (200, [3.0])


@pytest.mark.parametrize(
    ("path", "validator"), [("/openapi.json", OpenAPIV31SpecValidator), ("/swagger.json", OpenAPIV2SpecValidator)]
)
def test_descriptions_have_the_types_and_samples(typed_server, path, validator):
    document = json.loads(typed_server.request("GET", path)[2])
    validator(document).validate()
    post = document["paths"]["/score"]["post"]
    body = post["requestBody"]["content"]["application/json"] if path == "/openapi.json" else post["parameters"][0]
    example = body["example"] if path == "/openapi.json" else body["schema"]["example"]
    assert example == {"data": [[1.0, 2.0]], "frame": {"x": [{"a": 1, "b": "x"}]}}
    assert body["schema"]["required"] == ["data"]
    assert typed_server.score(example)[0] == 200


def test_a_raw_request_is_as_it_came(raw_server):
    status, _, body = raw_server.request("POST", "/score?x=1&x=2&y=%C3%A4", b"\xff\x00", {"user-agent": "me"})
    assert (status, json.loads(body)) == (
        200,
        {"method": "POST", "path": "/score", "args": {"x": ["1", "2"], "y": ["ä"]}, "agent": "me", "length": 2},
    )


def test_a_raw_response_has_the_status_and_headers_that_it_says(raw_server):
    status, headers, body = raw_server.request("POST", "/score?what=bytes", b"\xff\x00\x01", {"content-type": "x/y"})
    assert (status, headers["content-type"], headers["x-own"], body) == (201, "image/png", "1", b"\x01\x00\xff")
    status, headers, body = raw_server.request("GET", "/score?what=none")
    assert (status, body) == (204, b"")
    status, headers, body = raw_server.request("POST", "/score?what=json", "[1]", {"content-type": "application/json"})
    assert (status, headers["content-type"], json.loads(body)) == (418, "application/json", {"a": [[1]]})


def test_forms_are_read(raw_server):
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert json.loads(raw_server.request("POST", "/score?what=form", "a=1&b=%20", kind)[2])["form"] == {
        "a": "1",
        "b": " ",
    }
    part = '--B\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    body = (
        (part % ("t", "")).encode()
        + b"text\r\n"
        + (part % ("f", '; filename="f.bin"')).encode()
        + b"\r\n\xff\r\n--B--\r\n"
    )
    answer = raw_server.request("POST", "/score?what=form", body, {"content-type": 'multipart/form-data; boundary="B"'})
    assert json.loads(answer[2]) == {"form": {"t": "text"}, "files": {"f": "0d0aff"}}


@pytest.mark.parametrize("what", ["header", "name", "status"])
def test_a_response_that_would_forge_is_500(raw_server, what):
    status, headers, body = raw_server.request("GET", f"/score?what={what}")
    assert (status, json.loads(body)["code"]) == (500, "script-failed")
    assert {"set-cookie", "forged"} & set(headers) == set()


def test_headers_of_the_connection_are_left_out(raw_server):
    status, headers, body = raw_server.request("GET", "/score?what=connection")
    assert (status, body, headers["content-length"]) == (200, b"x", "1")
    assert {"connection", "transfer-encoding"} & set(headers) == set()


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (4, 4)])
def test_an_async_run_has_as_many_requests_at_a_time_as_may_be(folders, start, concurrency, most):
    folder = folders.write({}, code=ASYNC)
    service = json.loads((folder / "service.json").read_bytes())
    service["code"]["concurrency"] = concurrency
    (folder / "service.json").write_text(json.dumps(service))
    server = start(folder).wait()
    with ThreadPoolExecutor(6) as pool:
        calls = [
            pool.submit(server.score, {"n": n, "together": most}, **{"x-own": str(n), "x-request-id": f"id-{n}"})
            for n in range(6)
        ]
        answers = [call.result() for call in calls]
    assert [(status, answer["n"], answer["own"]) for status, answer in answers] == [(200, n, str(n)) for n in range(6)]
    assert max(answer["most"] for _, answer in answers) == most
    for n in range(6):
        assert server.logged(lambda line, n=n: line["text"] == f"begin {n}")["request_id"] == f"id-{n}"
        assert server.logged(lambda line, n=n: line["text"] == f"end {n}")["request_id"] == f"id-{n}"


def test_what_a_script_prints_cannot_forge_lines_and_names_the_request(folders, start):
    code = """
import sys, threading, logging
def init():
    print("ready")
    sys.stderr.write("half a line")
def run(data):
    print('x\\n{"level":"error","text":"forged"}')
    threading.Thread(target=lambda: print("in a thread")).start()
    sys.stdout.buffer.write(b"bytes \\xff")
    logging.info("a %s", "record\\nof two lines")
    print("no end", end="")
"""
    server = start(folders.write({}, code=code)).wait()
    assert server.logged(lambda line: line["text"] == "ready")["stream"] == "stdout"
    assert server.logged(lambda line: line["text"] == "half a line")["stream"] == "stderr"
    server.score("", **{"x-request-id": "mine"})
    for text in ("x", '{"level":"error","text":"forged"}', "in a thread", "a record\nof two lines", "no end"):
        line = server.logged(lambda line, text=text: text in line["text"])
        assert (line["request_id"], line["level"]) == ("mine", "info")
    assert all(line.startswith('{"time"') for line in server.log.splitlines())


def test_models_are_found_by_name(make_folders, start):
    code = """
import os
from azureml.core import Model
def run(data):
    try:
        return [Model.get_model_path(data), os.getcwd(), os.environ["AML_APP_ROOT"], os.environ["AZUREML_MODEL_DIR"]]
    except LookupError as error:
        return str(error)
"""
    folder = make_folders.write({"double": make_folders.double, "other": make_folders.double}, code=code)
    server = start(folder).wait()
    root = [str(folder / "code")] * 2
    assert server.score("double")[1] == [str(folder / "models/double/1/model.onnx"), *root, str(folder / "models")]
    assert server.score("doubble")[1] == "The service has no model 'doubble'. It has: double:1, other:1."


def test_output_that_nobody_reads_does_not_stop_serving(folders, tmp_path):
    code = "def run(data):\n    print('x' * 10_000)\n    return data\n"
    read, write = os.pipe()
    address = tmp_path / "address.json"
    command = [sys.executable, "-m", "modelyard_scoring", str(folders.write({}, code=code)), "--port", "0"]
    with subprocess.Popen([*command, "--address-file", str(address)], stdout=write, stderr=write) as process:
        os.close(write)
        try:
            assert [ask_at(address, n) for n in range(300)] == [str(n) for n in range(300)]
        finally:
            os.close(read)
            process.terminate()


def ask_at(address, number):
    """Ask the server at the address that a file says, once it is ready."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if address.exists():
            url = json.loads(address.read_bytes())["url"]
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
            connection.request("POST", "/score", str(number))
            response = connection.getresponse()
            answer = response.read()
            connection.close()
            if response.status == 200:
                return json.loads(answer)
        time.sleep(0.02)
    raise AssertionError("no answer")
