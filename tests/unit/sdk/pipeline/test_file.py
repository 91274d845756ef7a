from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard import (
    CommandStep,
    DataReference,
    Environment,
    Pipeline,
    PipelineData,
    PipelineParameter,
    PythonScriptStep,
    Retries,
    Reuse,
    Workspace,
)
from modelyard.environments.lock import Lock
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import InvalidValueError, ModelyardError, NotFoundError
from modelyard.pipelines.errors import UnknownArgumentError
from modelyard.pipelines.graph import FromDataset, Graph
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.file import StepEntry

ROOT = Path(__file__).resolve().parents[4]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda text: "${{" not in text)
labels = st.from_regex(r"[\w é(-]{1,12}", fullmatch=True).filter(str.isprintable)
values = st.one_of(texts, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pipelines")


@st.composite
def pipelines(draw: Any, workspace: Workspace) -> Pipeline:
    store = workspace.get_default_datastore()
    parameters = [
        PipelineParameter(f"p{number}", value) for number, value in enumerate(draw(st.lists(values, max_size=3)))
    ]
    steps: list[CommandStep] = []
    for name in draw(st.lists(labels, min_size=1, max_size=4, unique=True)):
        made = PipelineData(
            "made", draw(st.sampled_from([None, store])), is_directory=draw(st.sampled_from([None, True, False]))
        )
        before = [output for step in steps for output in step.outputs.values()]
        read = draw(st.lists(st.sampled_from(before), max_size=2, unique_by=id)) if before else []
        inputs = {f"i{number}": data.path(draw(st.sampled_from(["", "a/b"]))) for number, data in enumerate(read)}
        inputs |= draw(st.sampled_from([{}, {"ref": DataReference(store, "x", "a/ü", "download", "/d")}]))
        inputs |= draw(st.sampled_from([{}, {"set": FromDataset(dataset="churn", version=2)}]))
        words = draw(st.lists(st.one_of(values, st.sampled_from([*parameters, *inputs.values(), "x"])), max_size=4))
        step = CommandStep(
            name,
            ["run", made, *words],
            inputs=inputs,
            outputs=[made],
            params=draw(st.dictionaries(st.sampled_from("ab"), st.one_of(values, st.sampled_from([*parameters, 1])))),
            allow_reuse=draw(st.sampled_from([True, False, Reuse(by="definition", max_age=1.5)])),
            retries=draw(st.sampled_from([0, 3, Retries(count=1, delay=0.5)])),
            timeout=draw(st.sampled_from([None, 10, 0.5])),
            cpu=draw(st.sampled_from([0, 0.5])),
            compute_target=draw(st.sampled_from([None, "gpu"])),
        )
        step.run_after(draw(st.lists(st.sampled_from(steps), max_size=2)) if steps else [])
        steps.append(step)
    return Pipeline(workspace, steps, draw(texts))


@settings(max_examples=50)
@given(st.data())
def test_a_pipeline_reads_back_from_its_file(workspace: Workspace, folder: Path, data: st.DataObject) -> None:
    pipeline = data.draw(pipelines(workspace))
    pipeline.to_yaml(folder / "pipeline.yaml")

    again = Pipeline.from_yaml(workspace, folder / "pipeline.yaml")

    assert compiled(again) == compiled(pipeline)
    assert [(type(p.default), repr(p.default)) for p in compiled(again).parameters.values()] == [
        (type(p.default), repr(p.default)) for p in compiled(pipeline).parameters.values()
    ]


def _reread(workspace: Workspace, pipeline: Pipeline, path: Path) -> tuple[Graph, Pipeline]:
    pipeline.to_yaml(path)
    again = Pipeline.from_yaml(workspace, path)
    return compiled(again), again


def test_folders_are_seen_from_the_file(
    workspace: Workspace, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = PythonScriptStep("train.py", source_directory=source, hash_paths=["sub", "/etc/hostname"])
    pipeline = Pipeline(workspace, [step, CommandStep("a", "true")])
    graph, again = _reread(workspace, pipeline, tmp_path / "pipeline.yaml")

    assert "source_directory: source\n" in (tmp_path / "pipeline.yaml").read_text()
    assert graph == compiled(pipeline)
    assert [again.folder_of(step) for step in again.steps] == [source, None]
    assert again.steps[0].hash_paths == ("sub", "/etc/hostname")


@pytest.mark.parametrize(
    "environment",
    [
        None,
        "training:3",
        EnvironmentSpec.create(requirements=["numpy==2.0"]),
        Lock(kind="resolved", platform="linux-x86_64", python="3.11", packages=()),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_environment_is_kept_by_name_or_as_it_is(workspace: Workspace, tmp_path: Path, environment: Any) -> None:
    pipeline = Pipeline(workspace, [CommandStep("a", "true", environment=environment)])
    _, again = _reread(workspace, pipeline, tmp_path / "p.yaml")

    assert again.steps[0].environment == environment


def test_an_environment_that_is_not_registered_is_kept_by_what_it_asks_for(
    workspace: Workspace, tmp_path: Path
) -> None:
    environment = Environment("training")
    _, again = _reread(
        workspace, Pipeline(workspace, [CommandStep("a", "true", environment=environment)]), tmp_path / "p"
    )

    assert again.steps[0].environment == environment.spec


def test_an_environment_may_be_a_file_beside_it(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==2.0\n")
    path = tmp_path / "p.yaml"
    path.write_text("steps: [{name: a, command: echo 'a b', environment: {requirements_file: requirements.txt}}]")

    step = Pipeline.from_yaml(workspace, path).steps[0]

    assert step.environment.spec.requirements == ("numpy==2.0",)
    assert step.words == ("echo", "a b")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            "steps: [{name: a, comand: x}]",
            UnknownArgumentError,
            "step 'a' takes no argument 'comand'. Did you mean command",
        ),
        ("stepps: []", UnknownArgumentError, "Did you mean steps"),
        (
            "steps: [{name: a, command: x, inputs: {r: {from: datastore, datastore: workspaceblobstore, pth: x}}}]",
            UnknownArgumentError,
            "Did you mean path",
        ),
        ("steps: [{name: a, command: x, retries: {cuont: 1}}]", UnknownArgumentError, "Did you mean count"),
        ("steps: [{name: a, command: x, timeout: soon}]", InvalidValueError, r"Expected `float \| null`, got `str`"),
        ("steps: [{name: a, command: x, inputs: {r: {from: nowhere}}}]", InvalidValueError, "nowhere"),
        ("steps: [{name: a, command: x, after: [b]}]", NotFoundError, "no step 'b'. There are: a"),
        (
            "steps: [{name: a, command: x, inputs: {r: {from: output, step: a, output: q}}, outputs: {rows: {}}}]",
            NotFoundError,
            "no output 'a.q'. There are: a.rows",
        ),
        (
            "steps: [{name: a, command: x, inputs: {r: {from: datastore, datastore: blobstore}}}]",
            NotFoundError,
            "workspaceblobstore",
        ),
        ("parameters: {alpha: 1}\nsteps: [{name: a, command: x}]", InvalidValueError, "no step uses it"),
        (
            "parameters: {alpha: 1}\nsteps: [{name: a, command: '${{parameters.alpah}}'}]",
            NotFoundError,
            "no parameter 'alpah'. There are: alpha",
        ),
        ("parameters: {alpha: [1]}\nsteps: []", InvalidValueError, "got `array`"),
        ("steps: [{name: a, command: x, script: y}]", InvalidValueError, "a script with its arguments, or a command"),
        ("steps: [{name: a, command: x, environment: {}}]", InvalidValueError, "give a name, or one of"),
        ("steps: [", InvalidValueError, "expected"),
        ("!!python/object/apply:os.system ['true']", InvalidValueError, "could not determine a constructor"),
        ("", InvalidValueError, "Expected `object`"),
        ("[1]", InvalidValueError, "Expected `object`"),
        ("steps: {a: 1}", InvalidValueError, "Expected `array`"),
        ("steps: [a]", InvalidValueError, "Expected `object`"),
    ],
)
def test_what_is_wrong_in_a_file_is_told(
    workspace: Workspace, tmp_path: Path, text: str, error: type[ModelyardError], said: str
) -> None:
    (tmp_path / "p.yaml").write_text(text)

    with pytest.raises(error, match=said):
        Pipeline.from_yaml(workspace, tmp_path / "p.yaml")


def test_bytes_that_are_no_text_are_told(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xff\xfe\x00\xd8")

    with pytest.raises(InvalidValueError, match="utf-8"):
        Pipeline.from_yaml(workspace, tmp_path / "p.yaml")


@pytest.mark.parametrize(
    "text", ["\x85", "a\u2028b", "\ufeff", "é\n\x85 ", "ü", " a", "1", "true", "2026-01-01", "\x07"]
)
def test_a_text_reads_back_whatever_letters_it_has(workspace: Workspace, tmp_path: Path, text: str) -> None:
    graph, _ = _reread(workspace, Pipeline(workspace, [CommandStep("a", ["echo", text])], text), tmp_path / "p.yaml")

    assert (graph.steps[0].command[1], graph.description) == (text, text)


def test_the_reference_names_every_key() -> None:
    page = (ROOT / "docs/reference/pipelines.md").read_text()

    assert [name for name in StepEntry.__struct_fields__ if f"`{name}`" not in page] == []
