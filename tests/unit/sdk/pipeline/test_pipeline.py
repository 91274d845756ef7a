from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    CommandStep,
    DataReference,
    Datastore,
    Pipeline,
    PipelineData,
    PipelineParameter,
    PythonScriptStep,
    StepSequence,
    Workspace,
)
from modelyard.errors import InvalidValueError
from modelyard.pipelines.errors import InvalidPipelineError
from modelyard.pipelines.graph import FromDatastore, FromOutput, Output, Parameter
from modelyard.sdk.pipeline.compilation import compiled


def _problems(workspace: Workspace, *steps: Any) -> list[str]:
    return [problem.text for problem in Pipeline(workspace, steps).validate()]


def test_the_guide_s_pipeline_becomes_a_graph(workspace: Workspace, store: Datastore, source: Path) -> None:
    given = DataReference(datastore=store, data_reference_name="test_data", path_on_datastore="20newsgroups/20news.pkl")
    made = PipelineData("output_data1", datastore=store, output_name="output_data1")
    alpha = PipelineParameter(name="pipeline_arg", default_value=10)
    train = PythonScriptStep(
        script_name="train.py",
        arguments=["--input", given, "--output", made, "--param", alpha, 3, True, 0.5],
        inputs=[given],
        outputs=[made],
        compute_target="local",
        source_directory=source,
    )
    compare = PythonScriptStep(
        "sub/other.py", "compare", ["--data", made], inputs=[made], source_directory=str(source), allow_reuse=False
    )

    graph = compiled(Pipeline(workspace=workspace, steps=[[train, [compare]]]))

    first, second = graph.steps
    assert (first.name, first.kind, first.script) == ("train.py", "script", "train.py")
    assert first.command == (
        *("--input", "${{inputs.test_data}}", "--output", "${{outputs.output_data1}}"),
        *("--param", "${{parameters.pipeline_arg}}", "3", "True", "0.5"),
    )
    assert first.inputs == {"test_data": FromDatastore(datastore=store.name, path="20newsgroups/20news.pkl")}
    assert first.outputs == {"output_data1": Output(datastore=store.name)}
    assert second.inputs == {"output_data1": FromOutput(step="train.py", output="output_data1")}
    assert second.reuse.by == "never"
    assert graph.parameters == {"pipeline_arg": Parameter(default=10)}


def test_texts_may_hold_data_and_parameters(workspace: Workspace, store: Datastore) -> None:
    given, made = DataReference(store, "in", "a"), PipelineData("made")
    alpha = PipelineParameter("alpha", "x}y")
    words = [f"--in={given}/part_{alpha}", f"{made}_1", f"{store.path('b/c')}"]
    step = CommandStep("a", words, inputs=[given, store.path("b/c")], outputs=[made])

    graph = compiled(Pipeline(workspace, [step]))

    assert graph.steps[0].command == (
        "--in=${{inputs.in}}/part_${{parameters.alpha}}",
        "${{outputs.made}}_1",
        "${{inputs.c}}",
    )
    assert graph.parameters == {"alpha": Parameter(default="x}y")}


def test_what_can_only_be_an_input_becomes_one(workspace: Workspace, store: Datastore) -> None:
    made = PipelineData("made")
    write = CommandStep("write", ["w", made], outputs=[made])
    read = CommandStep("read", ["r", store.path("a/b"), made, f"{made}/x", made.path("part")])

    inputs = compiled(Pipeline(workspace, [write, read.__class__("read", read.words[:-1])])).steps[1].inputs

    assert inputs == {
        "b": FromDatastore(datastore=store.name, path="a/b"),
        "made": FromOutput(step="write", output="made"),
    }
    assert "give one another name, with .as_input('other')" in _problems(workspace, write, read)[0]


def test_what_is_read_and_written_may_have_one_name(workspace: Workspace) -> None:
    first, second, third = (PipelineData("rows") for _ in range(3))
    write = CommandStep("write", ["w", first], outputs=[first])
    other = CommandStep("other", ["w", third], outputs=[third])
    pass_on = CommandStep("pass on", ["p", first, second], outputs=[second])

    assert compiled(Pipeline(workspace, [write, pass_on])).steps[1].command == (
        "p",
        "${{inputs.rows}}",
        "${{outputs.rows}}",
    )
    for words, outputs in (([f"{first}"], []), ([second, f"{first}"], [second])):
        doubtful = CommandStep("d", words, inputs=[first] if outputs else [], outputs=outputs)
        assert "in a text, and there are 2 things of that name" in _problems(workspace, write, other, doubtful)[0]


def test_data_that_nobody_writes_is_told_with_what_to_add(workspace: Workspace, store: Datastore) -> None:
    made = PipelineData("made")

    assert "add it to the inputs or to the outputs, outputs=[made]" in _problems(workspace, CommandStep("a", [made]))[0]
    assert "$AZUREML_DATAREFERENCE_made" in _problems(workspace, CommandStep("a", [f"{made}"]))[0]
    assert "outputs=[b]" in _problems(workspace, CommandStep("a", [store.path("b").as_upload()]))[0]
    assert "Nobody writes the input 'made' of step 'a'" in _problems(workspace, CommandStep("a", "x", inputs=[made]))[0]


@pytest.mark.parametrize("argument", [None, ["a"], {"a": 1}, b"x", "\ud800"], ids=ascii)
def test_an_argument_that_is_no_word_is_told(workspace: Workspace, argument: Any) -> None:
    assert "Step 'a' has an argument that is" in _problems(workspace, CommandStep("a", ["x", argument]))[0]


def test_a_script_that_is_not_there_is_told_with_near_names(workspace: Workspace, source: Path) -> None:
    (source / ".amlignore").write_text("helper.py\n")

    assert "There are: train.py" in _problems(workspace, PythonScriptStep("trian.py", source_directory=source))[0]
    assert ".amlignore" in _problems(workspace, PythonScriptStep("helper.py", source_directory=source))[0]
    step = PythonScriptStep("train.py", source_directory=source, hash_paths=["helpr.py"])
    assert "'helpr.py'. There are: helper.py" in _problems(workspace, step)[0]
    assert "not a folder" in _problems(workspace, PythonScriptStep("a.py", source_directory=source / "none"))[0]


def test_parameters_that_disagree_are_told(workspace: Workspace) -> None:
    one, other = PipelineParameter("alpha", 1), PipelineParameter("alpha", 1.0)

    texts = _problems(workspace, CommandStep("a", ["x", one, f"{other}"]))

    assert texts == ["Two parameters are called 'alpha', with the defaults 1 and 1.0."]


def test_two_writers_of_one_thing_are_told(workspace: Workspace) -> None:
    made = PipelineData("made")
    steps = [CommandStep(name, ["x", made], outputs=[made]) for name in "ab"]

    assert _problems(workspace, *steps)[0].startswith("PipelineData('made') is written by 2 steps: a, b.")


def test_steps_that_are_waited_for_belong_to_it(workspace: Workspace) -> None:
    made, more = PipelineData("made"), PipelineData("more")
    CommandStep("stale", ["x", made], outputs=[made])  # as when the cell of a notebook is run twice
    first = CommandStep("first", "true")
    write = CommandStep("write", ["x", made], outputs=[made])
    CommandStep("pass on", ["x", made, more], outputs=[more])
    write.run_after(first)
    last = CommandStep("last", ["y", more])

    assert [step.name for step in Pipeline(workspace, [last]).steps] == ["first", "write", "pass on", "last"]


def test_a_sequence_may_stand_for_its_steps(workspace: Workspace) -> None:
    a, b, c = (CommandStep(name, "true") for name in "abc")

    graph = compiled(Pipeline(workspace, StepSequence([a, [b, c]])))

    assert [(step.name, step.after) for step in graph.steps] == [("a", ()), ("b", ("a",)), ("c", ("a",))]


def test_all_that_is_wrong_is_told_at_once(workspace: Workspace) -> None:
    a, b = CommandStep("a", [None]), CommandStep("b", "true")
    a.run_after(b)
    b.run_after(a)

    with pytest.raises(
        InvalidPipelineError, match=r"cannot run as it is:\n- Step 'a' has .*\n- The steps wait"
    ) as caught:
        compiled(Pipeline(workspace, [a, b]))
    assert len(caught.value.problems) == 2


def test_what_is_no_step_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidValueError, match="give steps and lists of steps"):
        Pipeline(workspace, [PipelineData("x")])
    with pytest.raises(InvalidValueError, match="give a Workspace"):
        Pipeline([], workspace)
