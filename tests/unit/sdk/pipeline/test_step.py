from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    CommandStep,
    DataPath,
    DataReference,
    Datastore,
    PipelineData,
    PipelineParameter,
    PythonScriptStep,
    Retries,
    Reuse,
    ScriptRunConfig,
    StepSequence,
)
from modelyard.errors import InvalidValueError, ModelyardError
from modelyard.pipelines.errors import UnknownArgumentError


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("target", "compute_target"),
        ("script", "script_name"),
        ("args", "arguments"),
        ("env", "environment"),
        ("source_dir", "source_directory"),
        ("reuse", "allow_reuse"),
    ],
)
def test_an_argument_that_there_is_not_is_refused_with_the_one_that_is_meant(written: str, meant: str) -> None:
    with pytest.raises(UnknownArgumentError, match=f"Did you mean {meant}\\?") as caught:
        PythonScriptStep(script_name="train.py", **{written: "x"})

    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ModelyardError)


def test_a_step_is_called_as_its_script_if_not_otherwise() -> None:
    assert PythonScriptStep("train.py").name == "train.py"
    assert PythonScriptStep("train.py", "Hello World").name == "Hello World"


@pytest.mark.parametrize(
    "given",
    [
        {"script_name": ""},
        {"name": "a\nb"},
        {"arguments": "--alpha 1"},
        {"inputs": ["data"]},
        {"inputs": "data"},
        {"outputs": [1]},
        {"compute_target": 3},
        {"hash_paths": "helper.py"},
        {"retries": "3"},
        {"timeout": True},
        {"allow_reuse": "yes"},
        {"runconfig": 5},
        {"params": {"a=b": 1}},
        {"environment_variables": {"a=b": "1"}},
        {"inputs": [PipelineData("x"), PipelineData("x")]},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_when_a_step_is_made(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError):
        PythonScriptStep(**({"script_name": "train.py"} | given))


def test_a_reference_that_is_written_is_one_for_upload(store: Datastore) -> None:
    reference = DataReference(store, "rows", "a/rows")

    assert list(PythonScriptStep("a.py", outputs=[reference.as_upload()]).outputs) == ["rows"]
    with pytest.raises(InvalidValueError, match="as_upload"):
        PythonScriptStep("a.py", outputs=[reference])


def test_ports_have_names(store: Datastore) -> None:
    data, other = PipelineData("rows", output_name="made"), PipelineData("rows")
    step = PythonScriptStep(
        "a.py", inputs={"left": data, "right": other.path("x.csv"), "store": DataPath(store, "a/b")}, outputs=[data]
    )

    assert list(step.inputs) == ["left", "right", "store"]
    assert list(step.outputs) == ["made"]
    assert list(PythonScriptStep("a.py", inputs=[data.as_input("a"), other.as_input("b")]).inputs) == ["a", "b"]


def test_options_are_read_as_users_know_them() -> None:
    class Cluster:
        name = "cpu-cluster"

    step = PythonScriptStep("a.py", compute_target=Cluster(), allow_reuse=False, retries=2, params={"alpha": 1})

    assert (step.compute_target, step.reuse.by, step.retries.count) == ("cpu-cluster", "never", 2)
    assert step.variables == {"AML_PARAMETER_alpha": 1}
    assert PythonScriptStep("a.py", compute_target=("gpu", "AmlCompute")).compute_target == "gpu"
    assert PythonScriptStep("a.py", allow_reuse=Reuse(max_age=60.0)).reuse.max_age == 60.0
    assert PythonScriptStep("a.py", retries=Retries(count=1, delay=5.0)).retries.delay == 5.0


def test_a_run_configuration_brings_environment_and_variables() -> None:
    config = ScriptRunConfig(environment="training", environment_variables={"X": "1"})
    step = PythonScriptStep("a.py", runconfig=config, environment_variables={"Y": PipelineParameter("y", 1)})

    assert (step.environment, list(step.variables)) == ("training", ["X", "Y"])
    with pytest.raises(InvalidValueError, match="twice"):
        PythonScriptStep("a.py", runconfig=config, environment="other")


def test_a_command_is_words_or_a_text() -> None:
    assert CommandStep("a", "python -c 'print(1)'").words == ("python", "-c", "print(1)")
    assert CommandStep("a", ["echo", 1]).words == ("echo", 1)
    assert not CommandStep("a", "true").has_code
    assert CommandStep("a", "true", source_directory=Path()).has_code


def test_steps_wait_for_others_though_nothing_flows() -> None:
    a, b, c, d, e = (CommandStep(name, "true") for name in "abcde")
    e.run_after([a, [b]])
    e.run_after(a)
    StepSequence([a, [b, c], StepSequence([d])])

    assert [step.name for step in e.after] == ["a", "b"]
    assert [step.name for step in b.after] == ["a"]
    assert [step.name for step in d.after] == ["b", "c"]


def test_a_sequence_waits_as_a_whole() -> None:
    first, a, b = (CommandStep(name, "true") for name in ("first", "a", "b"))
    StepSequence([a, b]).run_after(first)

    assert (a.after, b.after) == ([first], [a])
