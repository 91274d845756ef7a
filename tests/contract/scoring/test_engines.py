"""What every engine does."""

import asyncio
import hashlib
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from onnx import TensorProto, helper

from modelyard_scoring.answers import STATUS, Reply
from modelyard_scoring.engines import OWN, Engine, Placement, make_engine
from modelyard_scoring.errors import FolderError, RequestError
from modelyard_scoring.http1.request import PlainRequest
from modelyard_scoring.service.folder import Limits, ServedModel, read_service

SIGNATURE = {
    "inputs": [{"name": "x", "type": "float64", "shape": [None, 2]}],
    "outputs": [{"name": "y", "type": "float64", "shape": [None, 2]}],
}
SCRIPT = """
import json
def init():
    global factor
    factor = 2
def run(data):
    return {"y": [[factor * value for value in row] for row in json.loads(data)["data"]]}
"""
SCRIPTS = {
    "plain.py": SCRIPT,
    "later.py": """
import asyncio, json
async def init():
    global factor
    factor = 2
async def run(data):
    await asyncio.sleep(0)
    return {"y": [[factor * value for value in row] for row in json.loads(data)["data"]]}
""",
    "typed.py": """
import numpy as np
from modelyard_scoring.schema_decorators import NumpyParameterType, input_schema
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
def run(data):
    return {"y": 2 * data}
""",
    "raw.py": """
from modelyard_scoring.raw import AMLResponse, rawhttp
@rawhttp
def run(request):
    if not request.is_json:
        return AMLResponse("No.", 415)
    try:
        rows = request.get_json()["data"]
    except ValueError:
        return AMLResponse("No.", 400)
    return AMLResponse({"y": [[2 * value for value in row] for row in rows]}, 200, json_str=True)
""",
}


APPLICATIONS = """
import json

class Refused(Exception):
    pass

def answer(kind, body):
    if kind != "application/json":
        raise Refused(415)
    try:
        rows = json.loads(body.decode())["data"]
    except ValueError:
        raise Refused(400) from None
    return json.dumps({"y": [[2 * value for value in row] for row in rows]}).encode()

def wsgi(environ, start_response):
    try:
        body = answer(environ["CONTENT_TYPE"], environ["wsgi.input"].read())
    except Refused as refused:
        body = b"{}"
        start_response(f"{refused} No", [])
    else:
        start_response("200 OK", [])
    return [body]

async def asgi(scope, receive, send):
    assert scope["type"] == "http", "it knows no lifespan"
    try:
        status, body = 200, answer(dict(scope["headers"])[b"content-type"].decode(), (await receive())["body"])
    except Refused as refused:
        status, body = int(str(refused)), b"{}"
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""
CODES = {
    "onnx": {"entry": "plain.py"},
    "onnx with tensors": {"entry": "plain.py"},
    "script": {"entry": "plain.py"},
    "script with threads": {"entry": "plain.py", "concurrency": 3},
    "script that is async": {"entry": "later.py", "concurrency": 3},
    "script with types": {"entry": "typed.py"},
    "script that is raw": {"entry": "raw.py"},
    "application": {"application": "contract_application:wsgi"},
    "application of ASGI": {"application": "contract_application:asgi"},
}


def double():
    sides = [[helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 2])] for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", *sides)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def form_of(case):
    return "tensors" if case.endswith("tensors") else "array"


def test_every_engine_is_tried():
    assert {case.partition(" ")[0] for case in CODES} == set(OWN)


@pytest.fixture(scope="module")
def loop():
    """An event loop that runs in a thread, as the one of a worker does beside what loads."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture(scope="module", params=CODES)
def engine_and_phases(request, tmp_path_factory, loop):
    """Each engine, serving a model that gives its rows twice."""
    tmp_path = tmp_path_factory.mktemp("engine")
    content = double()
    files = {"model.onnx": hashlib.sha256(content).hexdigest()}
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model.onnx").write_bytes(content)
    (tmp_path / "code").mkdir()
    for file, text in SCRIPTS.items():
        (tmp_path / "code" / file).write_text(text)
    (tmp_path / "code/contract_application.py").write_text(APPLICATIONS)
    name = request.param.partition(" ")[0]
    model = {"name": "double", "version": 1, "path": "models", "engine": name, "file": "model.onnx"}
    service = {
        "format": 1,
        "name": "double",
        "models": [{**model, "files": files, "signature": {**SIGNATURE, "form": form_of(request.param)}}],
        "code": {"path": "code", **CODES[request.param]},
    }
    (tmp_path / "service.json").write_text(json.dumps(service))
    read = read_service(tmp_path)
    phases = []
    place = Placement(folder=tmp_path, service=read, limits=Limits(), threads=1, loop=loop)
    engine = make_engine(read.models[0], place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZUREML_MODEL_DIR", "")
        patch.setattr("sys.path", ["", *__import__("sys").path])
        engine.load(phases.append)
        yield engine, phases
        sys.modules.pop("contract_application", None)
        getattr(engine, "close", lambda: None)()


@pytest.fixture
def engine(engine_and_phases) -> Engine:
    return engine_and_phases[0]


def decode(engine, document):
    signature = getattr(engine, "_signature", None)
    if signature is not None and signature.form == "tensors":
        document = {"data": {"x": document["data"]}}
    return engine.decode(PlainRequest(body=json.dumps(document).encode()))


def content(answer):
    return answer.body if isinstance(answer, Reply) else answer


def test_loading_tells_its_phases_in_order(engine_and_phases):
    assert engine_and_phases[1] == ["import", "init"]


def test_one_request_gets_one_json_answer(engine):
    (answer,) = engine.run([decode(engine, {"data": [[1, 2]]})])
    assert json.loads(content(answer)) == {"y": [[2.0, 4.0]]}


def test_several_requests_get_their_own_answers_in_order(engine):
    works = [decode(engine, {"data": [[n, 0]] * (n + 1)}) for n in range(5)]
    answers = [json.loads(content(answer))["y"] for answer in engine.run(works)]
    assert answers == [[[2.0 * n, 0.0]] * (n + 1) for n in range(5)]


def test_one_request_that_fails_leaves_the_next_one_alone(engine):
    assert status(engine, PlainRequest(body=b'{"data": [[1, "x"]]}')) in {200, 400, 500}
    (answer,) = engine.run([decode(engine, {"data": [[1, 2]]})])
    assert json.loads(content(answer)) == {"y": [[2.0, 4.0]]}


def test_as_many_threads_ask_at_a_time_as_the_engine_says(engine):
    with ThreadPoolExecutor(getattr(engine, "at_once", 1)) as pool:
        runs = pool.map(lambda n: engine.run([decode(engine, {"data": [[n, 0]]})])[0], range(20))
        assert [json.loads(content(answer))["y"] for answer in runs] == [[[2.0 * n, 0.0]] for n in range(20)]


def test_work_counts_at_least_one_row(engine):
    assert decode(engine, {"data": [[1, 2]]}).count == 1


def status(engine, request):
    """The status that a request gets, be it refused as it is read or as it is run."""
    try:
        (answer,) = engine.run([engine.decode(request)])
    except RequestError as error:
        return STATUS[error.code]
    return STATUS[answer.code] if isinstance(answer, RequestError) else answer.status


def test_another_content_type_is_refused(engine):
    assert status(engine, PlainRequest(body=b"x", content_type=b"application/x-unknown")) == 415


@pytest.mark.parametrize("body", [b"\xff", b"\xed\xa0\x80", b'"\xc0\x80"'])
def test_a_body_that_is_no_text_is_refused(engine, body):
    assert status(engine, PlainRequest(body=body)) == 400


def test_an_unknown_engine_lists_those_installed(tmp_path):
    model = ServedModel(name="m", version=1, path="m", engine="onyx", files={})
    with pytest.raises(FolderError, match=r"no engine 'onyx'. Installed: application, onnx, script"):
        make_engine(model, Placement(folder=tmp_path, service=None, limits=Limits(), threads=1))
