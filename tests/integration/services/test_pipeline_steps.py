"""A model that the steps of a pipeline register and deploy."""

from pathlib import Path

import msgspec
from tests.integration.services.adding import SAMPLE, SIGNATURE, sum_model
from tests.unit.sdk.pipeline.running import run

from modelyard import CommandStep, DeployStep, Model, Pipeline, PipelineData, RegisterModelStep, Service, Workspace


def test_steps_register_a_model_and_have_a_service_answer_by_it(yard: Workspace, name: str, tmp_path: Path) -> None:
    files = {"model.onnx": sum_model(), "signature.json": SIGNATURE, "sample.json": SAMPLE}
    (tmp_path / "saved").mkdir()
    for file, content in files.items():
        data = content if isinstance(content, bytes) else msgspec.json.encode(content)
        (tmp_path / "saved" / file).write_bytes(data)
    copy = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)"
    made, registered = PipelineData("made", is_directory=True), PipelineData("registered")
    train = CommandStep("train", ["python", "-c", copy, tmp_path / "saved", made], outputs=[made])
    keep = RegisterModelStep("register", name, made, registered=registered)
    pipeline = Pipeline(yard, [train, keep, DeployStep("deploy", name, registered)])

    said = run(pipeline, tmp_path / "outputs")

    assert said[1] == f"{name}:1 is registered.\n"
    assert f"{name} answers by {name}:1.\n" in said[2]
    assert Service(yard, name).run([[1, 2], [3, 4]]) == {"prediction": [[3.0], [7.0]]}
    assert Model(yard, name).sample == SAMPLE
