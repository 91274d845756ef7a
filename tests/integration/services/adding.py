"""A model that adds two numbers, and the registration of files that say that they do."""

import json

from onnx import TensorProto, checker, helper

from modelyard.environments.recording import lock_running
from modelyard.models.model import ModelVersion, NewModelVersion
from modelyard.models.signature import Field, Sample, Signature
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Entry, Tree

SIGNATURE = Signature(
    inputs=(Field(name="input", type="float32", shape=(None, 2)),),
    outputs=(Field(name="prediction", type="float32", shape=(None, 1)),),
)
SAMPLE = Sample(request={"data": [[1.0, 2.0]]}, answer={"prediction": [[3.0]]})


def sum_model() -> bytes:
    """Make a model that adds the two numbers of each row."""
    node = helper.make_node("ReduceSum", ["input", "axes"], ["prediction"], keepdims=1)
    graph = helper.make_graph(
        [node],
        "sum",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def register(workspace: Workspace, content: bytes, sample: Sample = SAMPLE) -> ModelVersion:
    """Register a model file, whatever is in it, as the next version of ``sum``."""
    backend = workspace.backend
    entry = Entry(path="model.onnx", sha256=backend.blobs.put(content), size=len(content))
    new = NewModelVersion(
        tree=backend.trees.create(Tree.of([entry])).digest,
        signature=SIGNATURE,
        sample=backend.blobs.put(json.dumps({"request": sample.request, "answer": sample.answer}).encode()),
        lock=backend.blobs.put(lock_running(["onnxruntime", "numpy"]).to_json()),
    )
    return backend.models.register("sum", new)
