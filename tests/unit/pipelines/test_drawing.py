import io
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from modelyard.pipelines.drawing import outline, svg
from modelyard.pipelines.graph import FromDataset, FromDatastore, FromOutput, Graph, Output, Step
from modelyard.pipelines.layout import lay_out, layers_of

SVG = "{http://www.w3.org/2000/svg}"
GRAPH = Graph(
    steps=(
        Step(name="prepare", inputs={"a": FromDatastore(datastore="store", path="rows.csv")}, outputs={"b": Output()}),
        Step(name="left", inputs={"b": FromOutput(step="prepare", output="b")}),
        Step(name="right", inputs={"b": FromOutput(step="prepare", output="b"), "c": FromDataset(dataset="churn")}),
        Step(name="compare", after=("left", "right", "prepare")),
    )
)


def _texts(graph: Graph, **more: Any) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg(graph, **more)).iter(f"{SVG}text")]


def test_steps_and_data_from_elsewhere_are_drawn() -> None:
    texts = _texts(GRAPH, statuses={"left": "Running"})

    assert {"prepare", "left", "right", "compare", "store/rows.csv", "churn:latest", "command · Running"} <= set(texts)
    lines = [line for line in ET.fromstring(svg(GRAPH)).iter(f"{SVG}path") if line.get("class") == "line"]
    assert len(lines) == 7


def test_a_status_colours_its_step() -> None:
    drawn = svg(GRAPH, {"left": "Failed", "right": "Completed", "prepare": "<odd>"})

    assert drawn.count('class="node bad"') == 1
    assert drawn.count('class="node ok"') == 1
    assert "&lt;odd&gt;" in drawn


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a\x1b[31m\x00b", "\ud800", "&amp;\"'"], ids=ascii)
def test_a_name_is_text_whatever_it_holds(name: str) -> None:
    graph = Graph(steps=(Step(name=name), Step(name="b", after=(name,))), description=name)
    console = Console(file=io.StringIO(), force_terminal=True, width=100)

    root = ET.fromstring(svg(graph, {name: name}))
    console.print(outline(graph, {name: name}))

    assert [element.tag for element in root.iter() if "script" in element.tag] == []
    assert "\x1b[31m" not in console.file.getvalue()
    assert "\x00" not in console.file.getvalue()


def test_a_long_name_is_shortened_and_told_in_full() -> None:
    name = "prepare the rows of the newsgroups"
    root = ET.fromstring(svg(Graph(steps=(Step(name=name),))))

    assert [element.text for element in root.iter(f"{SVG}title")] == [name]
    assert next(root.iter(f"{SVG}text")).text == "prepare the ro…newsgroups"


def test_an_empty_graph_and_one_with_a_cycle_are_drawn() -> None:
    cycle = Graph(steps=(Step(name="a", after=("b",)), Step(name="b", after=("a",)), Step(name="c", after=("c", "a"))))

    assert _texts(Graph(steps=())) == []
    assert _texts(cycle)[::2] == ["a", "b", "c"]


def test_an_outline_is_in_an_order_in_which_steps_can_run() -> None:
    graph = Graph(steps=tuple(reversed(GRAPH.steps)), description="Compare models")
    console = Console(file=io.StringIO(), width=80)
    console.print(outline(graph, {"prepare": "Completed"}))

    assert console.file.getvalue().splitlines() == [
        "Compare models",
        "├── prepare  Completed",
        "├── right    after prepare",
        "├── left     after prepare",
        "└── compare  after left, right, prepare",
    ]


@given(st.lists(st.lists(st.integers(0, 11), max_size=4), max_size=12))
def test_each_node_has_a_place_of_its_own_below_those_it_waits_for(given: list[list[int]]) -> None:
    before: dict[str, Sequence[str]] = {
        str(node): [str(one) for one in others if one < node] for node, others in enumerate(given)
    }
    layout = lay_out(before)

    places = [*layout.places.values(), *{place for line in layout.lines.values() for place in line[1:-1]}]
    assert len(set(places)) == len(places)
    assert layout.places.keys() == before.keys()
    assert all(layout.places[one][0] < layout.places[node][0] for node, others in before.items() for one in others)


def test_lines_of_a_tree_do_not_cross() -> None:
    before = {"root": [], "b": ["root"], "a": ["root"], "a1": ["a"], "b1": ["b"], "a2": ["a"], "b2": ["b"]}
    columns = {name: place[1] for name, place in lay_out(before).places.items()}

    assert (columns["b"] < columns["a"]) == (max(columns["b1"], columns["b2"]) < min(columns["a1"], columns["a2"]))


def test_what_waits_for_itself_comes_last() -> None:
    assert list(layers_of({"a": ["b"], "b": ["a"], "c": []})) == ["c", "a", "b"]


def test_a_wide_and_long_graph_is_drawn_straight() -> None:
    before: dict[str, list[str]] = {str(n): [str(n - 1), str(n // 2)] if n else [] for n in range(400)}

    assert all(len(line) == 2 for line in lay_out(before).lines.values())
