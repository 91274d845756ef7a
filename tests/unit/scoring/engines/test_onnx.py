"""The ONNX engine takes models that fit their signature, and says why others do not."""

import hashlib
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.engines import Placement
from modelyard_scoring.engines.onnx import OnnxEngine
from modelyard_scoring.engines.tensors import join
from modelyard_scoring.errors import EngineError, ValueRefusedError
from modelyard_scoring.http1.request import PlainRequest
from modelyard_scoring.inference.datatype import elements
from modelyard_scoring.inference.http import Reader
from modelyard_scoring.inference.packed import Packed
from modelyard_scoring.inference.writer import ServedAs
from modelyard_scoring.service.folder import Limits, ServedModel, Service
from modelyard_scoring.service.signature import Field, Signature


def identity(inputs, outputs=None):
    """An ONNX model that hands each (name, element type, shape) on as ``NAME_out``."""
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name, _, _ in inputs]
    outputs = [(f"{name}_out", kind, shape) for name, kind, shape in inputs] if outputs is None else outputs
    sides = [[helper.make_tensor_value_info(*one) for one in side] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, "identity", *sides)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def load(tmp_path, content, form, *fields, outputs=()):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/model.onnx").write_bytes(content)
    signature = Signature(inputs=tuple(Field(**field) for field in fields), outputs=outputs, form=form)
    model = ServedModel(
        name="m",
        version=1,
        path="m",
        engine="onnx",
        file="model.onnx",
        files={"model.onnx": hashlib.sha256(content).hexdigest()},
        signature=signature,
    )
    service = Service(format=1, name="model", models=(model,))
    engine = OnnxEngine(model, Placement(folder=tmp_path, service=service, limits=Limits(), threads=1))
    engine.load(lambda _phase: None)
    return engine


def column(name, kind, **more):
    return {"name": name, "type": kind, "shape": (None, 1), **more}


@pytest.mark.parametrize(
    ("kind", "element", "nullable", "text"),
    [
        ("string", TensorProto.FLOAT, False, "the signature says string"),
        ("float32", TensorProto.STRING, False, "the signature says float32"),
        ("datetime", TensorProto.DOUBLE, False, "the signature says datetime"),
        ("int64", TensorProto.INT64, True, "no missing values, but the signature says nullable"),
        ("bool", TensorProto.BOOL, True, "no missing values"),
        ("int64", TensorProto.INT32, False, "does not hold every int64"),
        ("uint8", TensorProto.INT8, False, "does not hold every uint8"),
        ("float32", TensorProto.INT64, False, "does not hold every float32"),
        ("int8", TensorProto.BOOL, False, "does not hold every int8"),
    ],
)
def test_a_type_that_does_not_fit_is_refused(tmp_path, kind, element, nullable, text):
    content = identity([("a", element, [None, 1])])
    with pytest.raises(EngineError, match=text):
        load(tmp_path, content, "frame", column("a", kind, nullable=nullable))


@pytest.mark.parametrize(
    ("kind", "element", "value"),
    [
        ("int64", TensorProto.DOUBLE, 5),
        ("int8", TensorProto.INT64, 5),
        ("uint8", TensorProto.INT16, 5),
        ("bool", TensorProto.FLOAT, True),
        ("float64", TensorProto.FLOAT, 0.5),
        ("float32", TensorProto.FLOAT16, 0.5),
        ("string", TensorProto.STRING, "ä\0"),
        ("uint64", TensorProto.UINT64, 2**64 - 1),
    ],
)
def test_a_type_that_holds_the_values_is_taken(tmp_path, kind, element, value):
    engine = load(tmp_path, identity([("a", element, [None, 1])]), "frame", column("a", kind))
    (answer,) = engine.run([engine.decode(PlainRequest(body=json.dumps([{"a": value}]).encode()))])
    assert json.loads(answer) == {"a_out": [[value]]}


def test_a_float64_that_a_float32_input_does_not_hold_is_refused(tmp_path):
    engine = load(tmp_path, identity([("a", TensorProto.FLOAT, [None])]), "frame", column("a", "float64"))
    with pytest.raises(ValueRefusedError, match=r"up to 3\.4028e\+38"):
        engine.decode(PlainRequest(body=b'[{"a": 1e39}]'))


@pytest.mark.parametrize("shape", [[1, 1], [3, 1]])
def test_a_fixed_number_of_rows_is_refused(tmp_path, shape):
    with pytest.raises(EngineError, match="fixed number of rows"):
        load(tmp_path, identity([("a", TensorProto.FLOAT, shape)]), "frame", column("a", "float32"))


def test_inputs_that_are_not_the_columns_are_refused(tmp_path):
    content = identity([("a", TensorProto.FLOAT, [None, 1]), ("b", TensorProto.FLOAT, [None, 1])])
    with pytest.raises(EngineError, match=r"its inputs are \['a', 'b'\], those of the signature \['a', 'c'\]"):
        load(tmp_path, content, "frame", column("a", "float32"), column("c", "float32"))


def test_an_array_of_another_rank_is_refused(tmp_path):
    content = identity([("a", TensorProto.FLOAT, [None, 2, 2])])
    with pytest.raises(EngineError, match="has the shape"):
        load(tmp_path, content, "array", {"name": "input", "type": "float32", "shape": (None, 4)})


def test_an_output_that_is_not_there_is_refused(tmp_path):
    outputs = (Field(name="label", type="int64", shape=(None,)),)
    content = identity([("a", TensorProto.INT64, [None, 1])])
    with pytest.raises(EngineError, match=r"no output 'label', only \['a_out'\]"):
        load(tmp_path, content, "frame", column("a", "int64"), outputs=outputs)


def test_an_output_of_one_column_is_flat_where_the_signature_says_so(tmp_path):
    outputs = (Field(name="a_out", type="int64", shape=(None,)),)
    engine = load(
        tmp_path, identity([("a", TensorProto.INT64, [None, 1])]), "frame", column("a", "int64"), outputs=outputs
    )
    assert engine.run([engine.decode(PlainRequest(body=b'[{"a": 1}, {"a": 2}]'))]) == [b'{"a_out":[1,2]}']


@pytest.mark.parametrize("depth", [1, 2])
def test_a_missing_text_that_the_model_passes_on_is_null_again(tmp_path, depth):
    content = identity([("a", TensorProto.STRING, [None, 1][:depth])])
    engine = load(tmp_path, content, "frame", column("a", "string", nullable=True))

    def answered(accept):
        return engine.run([engine.decode(PlainRequest(body=b'[{"a": "x"}, {"a": null}, {"a": ""}]', accept=accept))])[0]

    texts = ["x", None, ""]
    assert json.loads(answered(b"")) == {"a_out": texts if depth == 1 else [[text] for text in texts]}
    assert answered(b"text/csv").body.split(b"\r\n")[1:] == [b"x", b'""', b'""', b""]
    table = pa.ipc.open_stream(answered(b"application/vnd.apache.arrow.stream").body).read_all()
    assert table["a_out"].to_pylist() == (texts if depth == 1 else [[text] for text in texts])
    # these have no null
    assert np.load(io.BytesIO(answered(b"application/x-npy").body)).reshape(-1).tolist() == ["x", "\ufdd0", ""]
    assert elements(np.array(texts, object), "BYTES") == b"\1\0\0\0x\3\0\0\0\xef\xb7\x90\0\0\0\0"


def test_times_go_in_as_nanoseconds(tmp_path):
    engine = load(
        tmp_path, identity([("a", TensorProto.INT64, [None, 1])]), "frame", column("a", "datetime", nullable=True)
    )
    works = [engine.decode(PlainRequest(body=b'[{"a": "1970-01-01T00:00:00.5Z"}, {"a": null}]'))]
    assert json.loads(engine.run(works)[0]) == {"a_out": [[500_000_000], [-(2**63)]]}


def test_a_missing_text_goes_in_as_what_stands_for_no_character(tmp_path):
    content = identity([("a", TensorProto.STRING, [None, 1])])
    engine = load(tmp_path, content, "frame", column("a", "string", nullable=True))
    rows = engine.decode(PlainRequest(body=b'[{"a": null}, {"a": ""}]'))
    assert join(engine._inputs, [rows])["a"].tolist() == [["\ufdd0"], [""]]
    with pytest.raises(ValueRefusedError, match="wanted a text or null"):
        engine.decode(PlainRequest(body='[{"a": "\ufdd0"}]'.encode()))


def test_packed_rows_of_a_batch_are_answered_whatever_the_others_hold(tmp_path):
    field = {"name": "a", "type": "float32", "shape": (None, 2)}
    engine = load(tmp_path, identity([("a", TensorProto.FLOAT, [None, 2])]), "array", field)
    reader = Reader(engine.contract, ServedAs(name="m", version="1"), put_off=engine.reads_packed)
    tensor = {"name": "a", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "a_out"}]}).encode()

    def ask(*values):
        return reader.rows(head + np.array(values, np.float32).tobytes(), b"%d" % len(head))

    first, second, wrong, third = ask(1, 2), ask(3, 4), ask(5, np.nan), ask(6, 7)
    assert [type(one) for one in (first, second, wrong)] == [Rows, Packed, Packed]
    assert [json.loads(answer)["outputs"][0]["data"] for answer in engine.run([second, third])] == [[3, 4], [6, 7]]
    answers = engine.run([first, second, wrong, third])
    assert isinstance(answers.pop(2), ValueRefusedError)
    assert [json.loads(answer)["outputs"][0]["data"] for answer in answers] == [[1, 2], [3, 4], [6, 7]]
