from typing import Any

import pytest

from modelyard.pipelines.checks import problems_of
from modelyard.pipelines.graph import FromOutput, Graph, Output, Parameter, Retries, Reuse, Step


def _step(name: str, *, command: tuple[str, ...] = ("true",), **more: Any) -> Step:
    return Step(name=name, command=command, **more)


def _texts(*steps: Step, **more: Any) -> list[str]:
    return [problem.text for problem in problems_of(Graph(steps=steps, **more))]


def test_a_graph_that_can_run_has_no_problems() -> None:
    write = _step("write", command=("a", "${{outputs.rows}}"), outputs={"rows": Output()})
    read = _step(
        "read",
        command=("b", "${{ inputs.rows }}", "${{parameters.alpha}}"),
        inputs={"rows": FromOutput(step="write", output="rows")},
        after=("write",),
    )

    assert _texts(write, read, parameters={"alpha": Parameter(default=1)}) == []


def test_a_cycle_is_told_with_its_path() -> None:
    steps = [_step("a", after=("c",)), _step("b", after=("a",)), _step("c", after=("b",)), _step("d", after=("a",))]

    (problem,) = problems_of(Graph(steps=tuple(steps)))
    assert problem.kind == "cycle"
    assert set(problem.steps) == {"a", "b", "c"}
    assert "The steps wait for each other: " in problem.text
    assert problem.text.count("→") == 3


def test_a_step_that_waits_for_itself_is_a_cycle() -> None:
    assert "a → a" in _texts(_step("a", after=("a",)))[0]


def test_an_output_that_the_step_cannot_know_of_is_told() -> None:
    assert _texts(_step("a", outputs={"rows": Output()})) == [
        "Step 'a' cannot know where to write its output 'rows': add it to the arguments."
    ]
    assert _texts(_step("a", outputs={"rows": Output()}, variables={"ROWS": "${{outputs.rows}}"})) == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (FromOutput(step="wirte", output="rows"), "there is no step 'wirte'. There are: write, read."),
        (FromOutput(step="write", output="row"), "step 'write' has no output 'row'. There are: rows."),
        (FromOutput(step="", output="rows"), "add it to the outputs of a step of the pipeline."),
    ],
)
def test_an_input_that_nobody_writes_is_told_with_near_names(source: FromOutput, text: str) -> None:
    write = _step("write", command=("${{outputs.rows}}",), outputs={"rows": Output()})

    assert _texts(write, _step("read", inputs={"x": source})) == [f"Nobody writes the input 'x' of step 'read': {text}"]


def test_a_placeholder_of_nothing_is_told_with_near_names() -> None:
    step = _step("a", command=("${{parameters.alpah}}", "${{inputs.x}}"))

    assert _texts(step, parameters={"alpha": Parameter(default=1)}) == [
        "Step 'a' uses ${{inputs.x}}, and that is none of the inputs of step 'a'.",
        "Step 'a' uses ${{parameters.alpah}}, and that is none of the parameters of the pipeline. There are: alpha.",
    ]


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([], "empty"),
        ([_step("a"), _step("a")], "duplicate"),
        ([_step("a", after=("b",))], "nobody-writes"),
        ([_step("a", command=())], "value"),
        ([_step("a", command=("a\0",))], "value"),
        ([_step("a", variables={"A": "\0"})], "value"),
        ([_step("a", timeout=0.0)], "value"),
        ([_step("a", timeout=float("nan"))], "value"),
        ([_step("a", retries=Retries(count=-1))], "value"),
        ([_step("a", memory=-1)], "value"),
        ([_step("a", reuse=Reuse(max_age=-1.0))], "value"),
        ([_step("a", reuse=Reuse(by="name"))], "value"),  # type: ignore[arg-type]
        ([_step("a", command=("${{outputs.r-1}}",), outputs={"r-1": Output()})], "name"),
    ],
)
def test_what_cannot_be_is_told(steps: list[Step], kind: str) -> None:
    assert [problem.kind for problem in problems_of(Graph(steps=tuple(steps)))] == [kind]


def test_outputs_kept_at_one_path_are_told() -> None:
    output = Output(datastore="store", path_on_datastore="a/b")
    steps = [_step(name, command=("${{outputs.x}}",), outputs={"x": output}) for name in "ab"]

    assert _texts(*steps) == ["Output 'x' of step 'b' and output 'x' of step 'a' are kept at one path: store/a/b."]
