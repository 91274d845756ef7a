from pathlib import Path

import pytest
from tests.unit.sdk.pipeline.running import words_of

from modelyard import CommandStep, DeployStep, Model, Pipeline, PipelineData, RegisterModelStep, Workspace
from modelyard.errors import InvalidNameError, InvalidValueError
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.registration import register


def test_what_a_step_wrote_becomes_a_version(workspace: Workspace, tmp_path: Path) -> None:
    made, registered = PipelineData("made"), PipelineData("registered")
    train = CommandStep("train", ["train", made], outputs=[made])
    step = RegisterModelStep("register", "churn", made.path("model.txt"), {"-k": "a=b"}, registered)
    (tmp_path / "train" / "made").mkdir(parents=True)
    (tmp_path / "train" / "made" / "model.txt").write_text("1")
    (tmp_path / "register").mkdir()

    found = compiled(Pipeline(workspace, [train, step])).steps[1]
    said = register(workspace, words_of(found, tmp_path)[3:])

    assert said == "churn:1 is registered."
    assert (tmp_path / "register" / "registered").read_text() == "churn:1\n"
    assert Model(workspace, "churn").tags == {"-k": "a=b"}
    assert (found.kind, found.reuse.by) == ("register", "never")


def test_a_deployment_waits_for_the_registration(workspace: Workspace) -> None:
    made, registered = PipelineData("made"), PipelineData("registered")
    train = CommandStep("train", ["train", made], outputs=[made])
    step = RegisterModelStep("register", "churn", made, registered=registered)
    graph = compiled(Pipeline(workspace, [train, step, DeployStep("deploy", "churn", registered)]))

    assert graph.before(graph.step("deploy")) == ("register",)
    assert graph.step("deploy").command[3:] == (
        "churn",
        "--target",
        "process",
        "--registered",
        "${{inputs.registered}}",
    )


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="PipelineData that a step writes"):
        RegisterModelStep("register", "churn", "model.txt")
    with pytest.raises(InvalidNameError):
        RegisterModelStep("register", "a b", PipelineData("x"))
    with pytest.raises(InvalidValueError, match="a model or an image"):
        DeployStep("deploy", "churn")
