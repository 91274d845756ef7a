"""Where the steps of a graph are drawn: in layers, each below those that it waits for, with few crossing lines.

The layers are those of Sugiyama, Tagawa and Toda (https://doi.org/10.1109/TSMC.1981.4308636): a line that passes layers
has a place in each of them, and within a layer each place is moved to the middle of its neighbours, down and up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

_SWEEPS = 4
_MOST_BENDS = 20_000
"""Places of lines, in all; a graph that would have more is drawn with straight ones."""


class Layout(Struct, frozen=True, kw_only=True):
    """A place for each node, and for each line the places that it passes.

    A place is a layer, counted from the top, and a column, counted from the left.
    """

    places: dict[str, tuple[int, int]]
    lines: dict[tuple[str, str], tuple[tuple[int, int], ...]]


def layers_of(before: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Give each node the first layer below all that it waits for, in an order in which they can run.

    What waits for itself, by whatever way, comes last, in the order that was given.
    """
    found: dict[str, int] = {}
    waiting = {name: {one for one in others if one in before} for name, others in before.items()}
    after: dict[str, list[str]] = {name: [] for name in before}
    for name, others in waiting.items():
        for one in others:
            after[one].append(name)
    ready = [name for name, others in waiting.items() if not others]
    while len(found) < len(before):
        for name in ready or [next(name for name in before if name not in found)]:
            found[name] = 1 + max((found.get(one, -1) for one in before[name]), default=-1)
        ready = _freed(ready or list(found)[-1:], after, waiting, found)
    return found


def _freed(
    done: Sequence[str], after: Mapping[str, Sequence[str]], waiting: Mapping[str, set[str]], found: Mapping[str, int]
) -> list[str]:
    freed: dict[str, None] = {}
    for name in done:
        for one in after[name]:
            waiting[one].discard(name)
            if not waiting[one] and one not in found:
                freed[one] = None
    return list(freed)


def lay_out(before: Mapping[str, Sequence[str]], low: Collection[str] = ()) -> Layout:
    """Find a place for each node.

    Parameters
    ----------
    before
        The nodes, each with those that it waits for.
    low
        Nodes that wait for none, and are to be as low as they can.
    """
    layer = layers_of(before)
    lowest = dict.fromkeys(low, len(before))
    for name in before:
        lowest |= {one: min(lowest[one], layer[name] - 1) for one in before[name] if one in lowest}
    layer |= lowest
    edges = [(one, name) for name in layer for one in dict.fromkeys(before[name]) if one in layer]
    bends = sum(max(0, layer[end] - layer[start] - 1) for start, end in edges)
    chains = {edge: _chain(edge, layer, straight=bends > _MOST_BENDS) for edge in edges}
    rows: list[list[_Place]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name, at in layer.items():
        rows[at].append((name, "", at))
    for chain in chains.values():
        for place in chain[1:-1]:
            rows[place[2]].append(place)
    columns = _ordered(rows, list(chains.values()))
    return Layout(
        places={name: (at, columns[name, "", at]) for name, at in layer.items()},
        lines={edge: tuple((place[2], columns[place]) for place in chain) for edge, chain in chains.items()},
    )


_Place = tuple[str, str, int]
"""A node ("" for its second), or where the line between two nodes passes a layer."""


def _chain(edge: tuple[str, str], layer: Mapping[str, int], *, straight: bool) -> list[_Place]:
    start, end = edge
    between = [] if straight else [(start, end, at) for at in range(layer[start] + 1, layer[end])]
    return [(start, "", layer[start]), *between, (end, "", layer[end])]


def _ordered(rows: list[list[_Place]], chains: Sequence[Sequence[_Place]]) -> dict[_Place, int]:
    above: dict[_Place, list[_Place]] = {}
    below: dict[_Place, list[_Place]] = {}
    for chain in chains:
        for upper, lower in pairwise(chain):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    columns = {place: column for row in rows for column, place in enumerate(row)}
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            _reorder(row, above if down else below, columns)
    return columns


def _reorder(row: list[_Place], neighbours: Mapping[_Place, Sequence[_Place]], columns: dict[_Place, int]) -> None:
    def middle(place: _Place) -> float:
        near = neighbours.get(place)
        return sum(columns[one] for one in near) / len(near) if near else columns[place]

    row.sort(key=middle)
    columns |= {place: column for column, place in enumerate(row)}
