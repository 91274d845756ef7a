"""Model files that are damaged where they are kept (R6), and hostile ones under a digest that is right (R7)."""

import random
from pathlib import Path

import pytest
from onnx import ModelProto, TensorProto, helper
from tests.integration.services.adding import register, sum_model
from tests.integration.services.ending import runner_of, servers_of

from modelyard.errors import DigestMismatchError
from modelyard.images.inference import NONE, InferenceConfig
from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.image import Image
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError

_TRIALS = 200


def _old_opset(model: ModelProto) -> None:
    model.opset_import[0].version = 99_999


def _no_such_operator(model: ModelProto) -> None:
    model.graph.node[0].op_type = "Conjure"


def _circle(model: ModelProto) -> None:
    model.graph.node.extend(
        [helper.make_node("Add", ["b", "input"], ["a"]), helper.make_node("Add", ["a", "input"], ["b"])]
    )


def _ten_gigabytes_of_nothing(model: ModelProto) -> None:
    _need(model, TensorProto(name="extra", data_type=TensorProto.FLOAT, dims=[2_500_000_000]))


def _a_file_outside(model: ModelProto) -> None:
    secret = TensorProto(name="extra", data_type=TensorProto.FLOAT, dims=[10])
    secret.data_location = TensorProto.EXTERNAL
    secret.external_data.add(key="location", value="../../../../../../../../etc/passwd")
    _need(model, secret)


def _need(model: ModelProto, tensor: TensorProto) -> None:
    """Add the largest number of a tensor to what the model answers."""
    model.graph.initializer.append(tensor)
    model.graph.node[0].output[0] = "sum"
    largest = helper.make_node("ReduceMax", [tensor.name], ["largest"], keepdims=0)
    model.graph.node.extend([largest, helper.make_node("Add", ["sum", "largest"], ["prediction"])])


HOSTILE = (_old_opset, _no_such_operator, _circle, _ten_gigabytes_of_nothing, _a_file_outside)


def test_four_hundred_damaged_model_files_are_all_found_before_they_are_loaded(yard: Workspace, tmp_path: Path) -> None:
    model = register(yard, sum_model())
    image = Image.create(yard, "damaged", [model.id], inference=InferenceConfig(base_image=NONE))
    (entry,) = yard.backend.trees.get(model.tree).entries
    blob = Path(yard.location) / "blobs" / entry.sha256[:2] / entry.sha256
    whole, chance = blob.read_bytes(), random.Random(6)
    flipped = [bytearray(whole) for _ in range(_TRIALS)]
    for one in flipped:
        one[chance.randrange(len(one))] ^= 1 << chance.randrange(8)
    cut = [whole[: chance.randrange(len(whole))] for _ in range(_TRIALS - 2)]

    found = 0
    for number, damaged in enumerate([*flipped, *cut, b"", b"the weights of another model"]):
        blob.write_bytes(damaged)
        with pytest.raises(DigestMismatchError, match=r"model\.onnx") as caught:
            ImageContent(image).write(tmp_path / str(number))
        found += (caught.value.expected, caught.value.actual != caught.value.expected) == (entry.sha256, True)
    blob.write_bytes(whole)

    assert found == 2 * _TRIALS
    ImageContent(image).write(tmp_path / "whole")  # the control: what is not damaged is written


def test_hostile_models_are_returned_and_bring_nothing_down(yard: Workspace, name: str) -> None:
    good = Service.deploy(yard, name, models=[register(yard, sum_model()).id])
    runner, servers = runner_of(yard), servers_of(Path(yard.location) / "services" / name)

    for make in HOSTILE:
        model = ModelProto.FromString(sum_model())
        make(model)
        with pytest.raises(DeploymentFailedError) as failed:
            Service.deploy(yard, name, models=[register(yard, model.SerializeToString()).id], timeout=120)
        assert failed.value.phase in ("init", "start", "warm-up", "verify"), make.__name__
        assert good.run([[1, 2]]) == {"prediction": [[3.0]]}

    assert (runner_of(yard), servers_of(Path(yard.location) / "services" / name)) == (runner, servers)
    assert [one.state for one in good.revisions()] == ["failed"] * len(HOSTILE) + ["running"]
