"""A graph as a picture (SVG), and as an outline for a terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from modelyard.pipelines.graph import FromDataset, FromDatastore, FromOutput, Graph, Source, Step
from modelyard.pipelines.layout import Layout, lay_out, layers_of

if TYPE_CHECKING:
    from rich.tree import Tree

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _EDGE = 206, 46, 30, 52, 16
_LONGEST = 25
"""Letters that fit into a box."""

_UNFIT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What cannot be in XML, nor should be sent to a terminal."""

_COLOURS = {
    "Completed": "ok",
    "Reused": "ok",
    "Running": "busy",
    "Preparing": "busy",
    "Finalizing": "busy",
    "Failed": "bad",
    "NotResponding": "bad",
    "Canceled": "off",
    "CancelRequested": "off",
    "Skipped": "off",
}
_TERMINAL = {"ok": "green", "busy": "cyan", "bad": "red", "off": "dim"}

_STEP, _DATA = "step ", "data "
"""What names of nodes begin with, so that a step and data of one name are two."""

_STYLE = """<style>
rect{fill:#f6f8fa;stroke:#57606a} .data rect{stroke-dasharray:4 3}
text{fill:#1f2328;font:13px system-ui,sans-serif;text-anchor:middle} text.more{fill:#57606a;font-size:11px}
.line{fill:none;stroke:#8c959f;stroke-width:1.3;marker-end:url(#arrow)} marker path{fill:#8c959f}
.ok rect{fill:#dafbe1;stroke:#1a7f37} .busy rect{fill:#ddf4ff;stroke:#0969da;stroke-width:2}
.bad rect{fill:#ffebe9;stroke:#cf222e;stroke-width:2} .off rect{fill:#eaeef2;stroke:#8c959f}
@media (prefers-color-scheme:dark){rect{fill:#21262d;stroke:#8b949e} text{fill:#e6edf3} text.more{fill:#9198a1}
.ok rect{fill:#12361f;stroke:#3fb950} .busy rect{fill:#0c2d4f;stroke:#4493f8} .bad rect{fill:#4a1516;stroke:#f85149}
.off rect{fill:#30363d;stroke:#656c76}}
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0 8 4 0 8z"/></marker></defs>"""


def svg(graph: Graph, statuses: Mapping[str, str] | None = None) -> str:
    """Draw a graph: its steps, and the data from elsewhere that they read.

    Parameters
    ----------
    statuses
        The status of each step that has one, such as ``Running``; it is written into the box, and colours it.
    """
    canvas = _Canvas(lay_out(_before(graph), low=_data(graph)))
    boxes = [canvas.box(_node(step), step.name, step.kind, (statuses or {}).get(step.name, "")) for step in graph.steps]
    boxes += [canvas.box(node, node.removeprefix(_DATA), "data", "") for node in _data(graph)]
    label = _escaped(graph.description or "pipeline")
    size = f'viewBox="0 0 {canvas.width} {canvas.height}" width="{canvas.width}" height="{canvas.height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
    return "\n".join([head, _STYLE, *canvas.lines(), *boxes, "</svg>\n"])


def outline(graph: Graph, statuses: Mapping[str, str] | None = None) -> Tree:
    """List the steps for a terminal, in an order in which they can run, each with those that it waits for."""
    from rich.text import Text
    from rich.tree import Tree

    steps = {step.name: step for step in graph.steps}
    order = layers_of({name: graph.before(step) for name, step in steps.items()})
    width = max((len(_plain(name)) for name in steps), default=0)
    tree = Tree(Text(_plain(graph.description) or f"{len(steps)} steps", style="bold"))
    for name in sorted(order, key=order.__getitem__):
        status = (statuses or {}).get(name, "")
        before = graph.before(steps[name])
        line = Text(_plain(name).ljust(width))
        if status:
            line.append(f"  {_plain(status)}", style=_TERMINAL.get(_COLOURS.get(status, ""), ""))
        if before:
            line.append(f"  after {', '.join(map(_plain, before))}", style="dim")
        tree.add(line)
    return tree


class _Canvas:
    """Where the places of a layout are, in pixels."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._columns = Counter(layer for layer, _ in layout.places.values())
        bends = {place for line in layout.lines.values() for place in line[1:-1]}
        self._columns.update(layer for layer, _ in bends)
        self._widest = max(self._columns.values(), default=1)
        self.width = self._widest * (_WIDTH + _GAP_X) - _GAP_X + 2 * _EDGE
        self.height = max(1, len(self._columns)) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _EDGE

    def box(self, node: str, name: str, kind: str, status: str) -> str:
        """Draw a node."""
        x, y = self._corner(self._layout.places[node])
        look = "data" if kind == "data" else _COLOURS.get(status, "")
        more = " · ".join(part for part in (kind, status) if part)
        return (
            f'<g class="node {look}" transform="translate({x:g} {y})"><title>{_escaped(name)}</title>'
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="{_HEIGHT // 2 if kind == "data" else 6}"/>'
            f'<text x="{_WIDTH // 2}" y="20">{_escaped(_short(name))}</text>'
            f'<text class="more" x="{_WIDTH // 2}" y="36">{_escaped(_short(more))}</text></g>'
        )

    def lines(self) -> Iterator[str]:
        """Draw what is between the nodes."""
        for (start, end), places in self._layout.lines.items():
            title = f"{start.removeprefix(_STEP).removeprefix(_DATA)} → {end.removeprefix(_STEP)}"
            yield f'<path class="line" d="{self._curve(places)}"><title>{_escaped(title)}</title></path>'

    def _curve(self, places: Sequence[tuple[int, int]]) -> str:
        """Go down from box to box, straight through the layers that are passed."""
        corners = [self._corner(place) for place in places]
        x, y = corners[0][0] + _WIDTH / 2, corners[0][1] + _HEIGHT
        parts = [f"M{x:g} {y}"]
        for corner in corners[1:]:
            below, right = corner[1], corner[0] + _WIDTH / 2
            parts.append(f"C{x:g} {y + _GAP_Y // 2} {right:g} {below - _GAP_Y // 2} {right:g} {below}")
            x, y = right, below + _HEIGHT
            parts.append(f"V{y}")
        return " ".join(parts[:-1])

    def _corner(self, place: tuple[int, int]) -> tuple[float, int]:
        layer, column = place
        left = column + (self._widest - self._columns[layer]) / 2
        return _EDGE + left * (_WIDTH + _GAP_X), _EDGE + layer * (_HEIGHT + _GAP_Y)


def _before(graph: Graph) -> dict[str, list[str]]:
    """List for each node those above it: steps that are waited for, and data from elsewhere."""
    before: dict[str, list[str]] = {node: [] for node in _data(graph)}
    for step in graph.steps:
        data = [node for source in step.inputs.values() if (node := _data_node(source)) is not None]
        before[_node(step)] = [*data, *(f"{_STEP}{name}" for name in graph.before(step))]
    return before


def _data(graph: Graph) -> list[str]:
    nodes = (_data_node(source) for step in graph.steps for source in step.inputs.values())
    return list(dict.fromkeys(node for node in nodes if node is not None))


def _data_node(source: Source) -> str | None:
    match source:
        case FromDatastore():
            return f"{_DATA}{source.datastore}/{source.path}"
        case FromDataset():
            return f"{_DATA}{source.dataset}:{source.version or 'latest'}"
        case FromOutput():
            return None


def _node(step: Step) -> str:
    return f"{_STEP}{step.name}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:14]}…{text[14 - _LONGEST + 1 :]}"


def _plain(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)


def _escaped(text: str) -> str:
    return escape(_plain(text))
