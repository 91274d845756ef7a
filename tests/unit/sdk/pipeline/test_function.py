import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.unit.sdk.pipeline.running import run

from modelyard import CommandStep, Datastore, FunctionStep, Pipeline, PipelineData, PipelineParameter, Workspace
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.pipelines.errors import UnknownArgumentError
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.function import step
from modelyard.sdk.pipeline.sealing import seal

SOURCE = """
from __future__ import annotations
from dataclasses import dataclass
from pathlib import Path

import helper
from modelyard import OutputFile, OutputFolder, step


@dataclass
class Score:
    value: float
    names: list[str]


@step
def prepare(limit: int, rows: OutputFolder, note: OutputFile, upper: bool = False) -> float:
    '''Write rows.'''
    (rows / "rows.txt").write_text(helper.text * limit if upper else "b")
    note.write_text("made")
    return 0.5


@step(retries=2)
def train(rows: Path, factor: float, scale: float, text: str = "x") -> Score:
    return Score(factor * scale, [text, (rows / "rows.txt").read_text()])


@step(name="show it")
def show(score: Score) -> None:
    print(score)


def plain(rows: Path) -> None:
    print(rows.name)


@step
def odd(what: list) -> None: ...
"""


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "functions.py").write_text(SOURCE)
    (tmp_path / "helper.py").write_text("text = 'a'\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("pack", "pack.functions", "helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import pack.functions

    return pack.functions


def test_functions_run_in_processes_of_their_own_and_give_values_on(
    workspace: Workspace, steps: ModuleType, tmp_path: Path
) -> None:
    limit = PipelineParameter("limit", 1)
    prepared = steps.prepare(limit=limit, upper=True)
    trained = steps.train(rows=prepared.outputs["rows"], factor=prepared.result, scale=4, text="--x y")
    pipeline = Pipeline(workspace, [prepared, trained, steps.show(score=trained.result)])

    said = run(pipeline, tmp_path / "outputs", {"limit": 3})

    assert said == ["", "", "Score(value=2.0, names=['--x y', 'aaa'])\n"]
    assert (tmp_path / "outputs" / "train" / "result").read_text() == '{"value":2.0,"names":["--x y","aaa"]}'


def test_a_function_becomes_a_step(workspace: Workspace, steps: ModuleType, tmp_path: Path) -> None:
    prepared = steps.prepare(limit=1, note=PipelineData("remark", is_directory=False))
    graph = compiled(Pipeline(workspace, [prepared]))

    (found,) = graph.steps
    assert (found.name, found.kind, list(found.outputs)) == ("prepare", "function", ["rows", "note", "result"])
    assert found.command[:5] == ("python", "-m", "modelyard.sdk.pipeline.calling", "pack.functions", "prepare")
    assert prepared.source_directory == tmp_path
    assert steps.prepare.__doc__ == "Write rows."
    assert steps.prepare.function(1, tmp_path, tmp_path / "note") == 0.5


def test_options_are_given_to_the_decorator_or_for_a_call(steps: ModuleType) -> None:
    data = PipelineData("rows")

    assert steps.train(rows=data, factor=1.0, scale=1.0).retries.count == 2
    other = steps.train.options("again", retries=0, compute_target="gpu")(rows=data, factor=1.0, scale=1.0)
    assert (other.name, other.retries.count, other.compute_target) == ("again", 0, "gpu")
    with pytest.raises(UnknownArgumentError, match="Did you mean compute_target"):
        step(target="gpu")


def test_the_file_of_the_function_always_counts(workspace: Workspace, steps: ModuleType, tmp_path: Path) -> None:
    pipeline = Pipeline(workspace, [steps.prepare.options(hash_paths=["helper.py"])(limit=1)])
    sealed = seal(compiled(pipeline), pipeline).steps[0]

    assert [one.path for one in workspace.backend.trees.get(sealed.counted).entries] == [
        "helper.py",
        "pack/functions.py",
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"limit": "3"}, InvalidValueError, "argument 'limit': it is to be int, and is str"),
        ({"limit": PipelineParameter("limit", 0.5)}, InvalidValueError, "it is to be int, and is float"),
        ({"limit": True}, InvalidValueError, "it is to be int, and is bool"),
        ({"limit": [1]}, InvalidValueError, "give a text, number"),
        ({}, InvalidValueError, "give its parameter 'limit'"),
        ({"limt": 1}, NotFoundError, "There are: limit"),
        ({"limit": 1, "rows": "x"}, InvalidValueError, "the step writes it: give PipelineData"),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_are_refused(
    steps: ModuleType, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        steps.prepare(**arguments)


def test_data_that_does_not_fit_is_refused(steps: ModuleType, store: Datastore) -> None:
    with pytest.raises(InvalidValueError, match="it is a Path: give data"):
        steps.train(rows="rows.csv", factor=1.0, scale=1.0)
    with pytest.raises(InvalidValueError, match="it is to be Score, and is float"):
        steps.show(score=steps.prepare(limit=1).result)
    with pytest.raises(InvalidValueError, match="annotate it as str"):
        steps.odd(what=[1])
    with pytest.raises(InvalidValueError, match="says of no type that it gives back"):
        assert steps.show(score=steps.train(rows=PipelineData("x"), factor=1.0, scale=1.0).result).result


def test_a_function_without_the_decorator_is_a_step_too(
    workspace: Workspace, steps: ModuleType, store: Datastore, tmp_path: Path
) -> None:
    made = PipelineData("made")
    write = CommandStep("write", ["python", "-c", "", made], outputs=[made])

    said = run(Pipeline(workspace, [write, FunctionStep(steps.plain, {"rows": made})]), tmp_path / "outputs")

    assert said == ["", "made\n"]


def test_a_function_that_no_other_process_can_import_is_refused(tmp_path: Path, steps: ModuleType) -> None:
    def inner() -> None: ...

    for function in (inner, len, lambda: None):
        with pytest.raises(InvalidValueError, match=r"at the top level of a \.py file"):
            FunctionStep(function, {})
    with pytest.raises(InvalidValueError, match="cannot be imported from the source folder"):
        FunctionStep(steps.plain, {"rows": PipelineData("x")}, source_directory=tmp_path / "elsewhere")
