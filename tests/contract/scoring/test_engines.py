"""What every engine does."""

import hashlib
import json

import pytest
from onnx import TensorProto, helper

from modelyard_scoring.answers import Reply
from modelyard_scoring.engines import OWN, Engine, Placement, make_engine
from modelyard_scoring.errors import ContentTypeError, FolderError, RequestError
from modelyard_scoring.folder import Limits, ServedModel, read_service
from modelyard_scoring.request import PlainRequest

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


def double():
    sides = [[helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 2])] for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", *sides)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture(params=sorted(OWN))
def engine_and_phases(request, tmp_path):
    """Each engine, serving a model that gives its rows twice."""
    content = double()
    files = {"model.onnx": hashlib.sha256(content).hexdigest()}
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model.onnx").write_bytes(content)
    (tmp_path / "code").mkdir()
    (tmp_path / "code/contract_score.py").write_text(SCRIPT)
    model = {"name": "double", "version": 1, "path": "models", "engine": request.param, "file": "model.onnx"}
    service = {
        "format": 1,
        "name": "double",
        "models": [{**model, "files": files, "signature": SIGNATURE}],
        "code": {"path": "code", "entry": "contract_score.py"},
    }
    (tmp_path / "service.json").write_text(json.dumps(service))
    read = read_service(tmp_path)
    phases = []
    engine = make_engine(read.models[0], Placement(folder=tmp_path, service=read, limits=Limits(), threads=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZUREML_MODEL_DIR", "")
        patch.setattr("sys.path", ["", *__import__("sys").path])
        engine.load(phases.append)
        yield engine, phases
        getattr(engine, "close", lambda: None)()


@pytest.fixture
def engine(engine_and_phases) -> Engine:
    return engine_and_phases[0]


def decode(engine, document):
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


def test_work_counts_at_least_one_row(engine):
    assert decode(engine, {"data": [[1, 2]]}).count == 1


def test_another_content_type_is_refused(engine):
    with pytest.raises(ContentTypeError, match="application/json"):
        engine.decode(PlainRequest(body=b"x", content_type=b"application/x-unknown"))


@pytest.mark.parametrize("body", [b"\xff", b"\xed\xa0\x80", b'"\xc0\x80"'])
def test_a_body_that_is_no_text_is_refused(engine, body):
    with pytest.raises(RequestError, match="is not"):
        engine.decode(PlainRequest(body=body))


def test_an_unknown_engine_lists_those_installed(tmp_path):
    model = ServedModel(name="m", version=1, path="m", engine="onyx", files={})
    with pytest.raises(FolderError, match=r"no engine 'onyx'. Installed: onnx, script"):
        make_engine(model, Placement(folder=tmp_path, service=None, limits=Limits(), threads=1))
