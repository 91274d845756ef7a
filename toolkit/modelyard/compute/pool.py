"""Compute targets as values: what runs jobs, on how many nodes at most, and how many there are.

A node is room for one job at a time: on one machine a slot, not a machine of its own. Nodes come with the jobs that
wait and go when they have been idle for long enough; `Use` says what was seen of that when it last changed.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import Literal

from msgspec import Struct

from modelyard.errors import InvalidValueError
from modelyard.names import check_label

LOCAL = "local"
"""The compute target that every workspace has, with a node for each core of the machine that runs its jobs."""

Type = Literal["Local", "AmlCompute"]


class NewCompute(Struct, frozen=True, kw_only=True):
    """A compute target to create; with `replace` it takes the place of one of the same name.

    Parameters
    ----------
    type
        What it is to users: a pool that grows and shrinks, or something that is there.
    kind
        What runs its jobs: an installed kind, such as ``local``.
    vm_size
        What users wrote; it changes nothing on one machine.
    max_nodes
        0 for as many as the machine that runs the jobs has cores.
    idle_seconds_before_scaledown
        After which nodes beyond `min_nodes` go.
    """

    type: Type = "AmlCompute"
    kind: str = LOCAL
    vm_size: str = ""
    vm_priority: Literal["dedicated", "lowpriority"] = "dedicated"
    min_nodes: int = 0
    max_nodes: int = 0
    idle_seconds_before_scaledown: float = 120.0
    description: str = ""
    tags: dict[str, str] = {}
    replace: bool = False

    def check(self) -> None:
        """Pass if such a compute target can be.

        Raises
        ------
        InvalidValueError
            If it cannot.
        """
        if self.min_nodes < 0 or self.max_nodes < 0:
            raise InvalidValueError(f"min_nodes {self.min_nodes}, max_nodes {self.max_nodes}", "0 or more")
        if self.max_nodes and self.min_nodes > self.max_nodes:
            raise InvalidValueError(f"min_nodes {self.min_nodes}", f"at most max_nodes, {self.max_nodes}")
        if not self.idle_seconds_before_scaledown >= 0:
            reason = "seconds, 0 or more"
            raise InvalidValueError(f"idle_seconds_before_scaledown {self.idle_seconds_before_scaledown}", reason)
        for key in self.tags:
            check_label("tag", key)


class Use(Struct, frozen=True, kw_only=True):
    """How a compute target is used: jobs that run and that wait, and how many nodes there were at `changed`, in UTC."""

    running: int = 0
    waiting: int = 0
    nodes: int = 0
    changed: dt.datetime


class Nodes(Struct, frozen=True, kw_only=True):
    """How many nodes a compute target has and is about to have, and how many of them run jobs."""

    current: int
    target: int
    running: int


class ComputeInfo(Struct, frozen=True, kw_only=True):
    """A compute target of a workspace; times are UTC."""

    name: str
    type: Type
    kind: str
    vm_size: str
    vm_priority: str
    min_nodes: int
    max_nodes: int
    idle_seconds_before_scaledown: float
    description: str
    tags: dict[str, str]
    created: dt.datetime
    modified: dt.datetime
    use: Use
    nodes: Nodes


class ComputeQuery(Struct, frozen=True, kw_only=True):
    """Which compute targets to list: at most `limit` (1 to 1000) after the name that `cursor` holds."""

    limit: int = 100
    cursor: str | None = None


def slots(compute: ComputeInfo | NewCompute) -> int:
    """Say how many jobs may run at a time on a compute target, as seen from this machine."""
    return compute.max_nodes or _cores()


def nodes(compute: NewCompute, use: Use, now: dt.datetime) -> Nodes:
    """Say how many nodes there are at a time."""
    if compute.type == LOCAL.title():
        return Nodes(current=slots(compute), target=slots(compute), running=use.running)
    idle = (now - use.changed).total_seconds() >= compute.idle_seconds_before_scaledown
    kept = max(compute.min_nodes, use.running, 0 if idle else use.nodes)
    target = max(kept, min(use.running + use.waiting, slots(compute)))
    return Nodes(current=min(kept, max(slots(compute), use.running)), target=target, running=use.running)


def used(compute: NewCompute, before: Use, running: int, waiting: int, now: dt.datetime) -> Use:
    """Say what is seen of a compute target from now on, when so many jobs run on it and so many wait."""
    kept = max(running, nodes(compute, before, now).current)
    return Use(running=running, waiting=waiting, nodes=kept, changed=now)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
