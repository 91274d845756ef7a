"""The state of a compute target, in the words that users of Azure Machine Learning know."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec
from msgspec import Struct

from modelyard.compute.pool import ComputeInfo


class NodeStateCounts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many nodes are in each state."""

    idle_node_count: int
    leaving_node_count: int = 0
    preempted_node_count: int = 0
    preparing_node_count: int
    running_node_count: int
    unusable_node_count: int = 0


class ScaleSettings(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many nodes there are at least and at most, and for how long one is kept (ISO 8601); 0 at most: all cores."""

    min_node_count: int
    max_node_count: int
    node_idle_time_before_scale_down: str


class ComputeStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many nodes a compute target has, and what they do.

    Parameters
    ----------
    allocation_state
        ``Resizing`` while there are fewer nodes than there are to be.
    """

    current_node_count: int
    target_node_count: int
    node_state_counts: NodeStateCounts
    allocation_state: Literal["Steady", "Resizing"]
    allocation_state_transition_time: dt.datetime
    errors: list[str] | None = None
    creation_time: dt.datetime
    modified_time: dt.datetime
    provisioning_state: str = "Succeeded"
    provisioning_state_transition_time: dt.datetime | None = None
    scale_settings: ScaleSettings
    vm_priority: str
    vm_size: str

    def serialize(self) -> dict[str, Any]:
        """Make a dict of it, with names such as ``currentNodeCount``."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made


def status_of(info: ComputeInfo) -> ComputeStatus:
    """Say what is known of a compute target in those words."""
    nodes = info.nodes
    return ComputeStatus(
        current_node_count=nodes.current,
        target_node_count=nodes.target,
        node_state_counts=NodeStateCounts(
            idle_node_count=max(nodes.current - nodes.running, 0),
            preparing_node_count=max(nodes.target - nodes.current, 0),
            running_node_count=nodes.running,
        ),
        allocation_state="Steady" if nodes.current == nodes.target else "Resizing",
        allocation_state_transition_time=info.use.changed,
        creation_time=info.created,
        modified_time=info.modified,
        scale_settings=ScaleSettings(
            min_node_count=info.min_nodes,
            max_node_count=info.max_nodes,
            node_idle_time_before_scale_down=f"PT{info.idle_seconds_before_scaledown:g}S",
        ),
        vm_priority=info.vm_priority.title(),
        vm_size=info.vm_size,
    )
