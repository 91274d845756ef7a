"""The compute target that a user holds: where steps run, found, created, waited for, deleted."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Self, cast

from msgspec import structs

from modelyard.compute.errors import ComputeTargetException
from modelyard.compute.pool import ComputeInfo, ComputeQuery, NewCompute
from modelyard.errors import (
    AlreadyExistsError,
    InUseError,
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    StateError,
)
from modelyard.paging import every
from modelyard.sdk.compute.status import ComputeStatus, status_of

if TYPE_CHECKING:
    from modelyard.sdk.workspace import Workspace

_LOOK = 0.2


class ComputeTarget:
    """Where steps run; ``local`` is always there, with as many slots as the machine has cores.

    Raises
    ------
    ComputeTargetException
        If there is none of that name.
    """

    workspace: Workspace
    info: ComputeInfo

    def __new__(cls, workspace: Workspace, name: str) -> Self:
        """Find it; a pool is an `AmlCompute`."""
        with _explained(name):
            return cls.of(workspace, workspace.backend.computes.get(name))

    @classmethod
    def of(cls, workspace: Workspace, info: ComputeInfo) -> Self:
        """Hold a compute target that was read already."""
        kind = AmlCompute if info.type == "AmlCompute" else ComputeTarget
        if not issubclass(kind, cls):
            raise ComputeTargetException(info.name, f"it is of the type {info.type}, and no {cls.__name__}.")
        target = cast(Self, object.__new__(kind))
        target.workspace, target.info = workspace, info
        return target

    @staticmethod
    def list(workspace: Workspace) -> list[ComputeTarget]:
        """List the compute targets of a workspace by name."""
        return [ComputeTarget.of(workspace, info) for info in every(workspace.backend.computes.list, ComputeQuery())]

    @classmethod
    def create(cls, workspace: Workspace, name: str, provisioning_configuration: NewCompute) -> Self:
        """Create a compute target, or return the one of that name if it is just like it.

        Parameters
        ----------
        provisioning_configuration
            What ``AmlCompute.provisioning_configuration(…)`` returned.

        Raises
        ------
        ComputeTargetException
            If there is another of that name, or it cannot be like that; and inside a run.
        """
        with _managed(workspace, name):
            return cls.of(workspace, workspace.backend.computes.create(name, provisioning_configuration))

    @classmethod
    def attach(cls, workspace: Workspace, name: str, attach_configuration: NewCompute) -> Self:
        """Give what is there already a name, as `create` does.

        Parameters
        ----------
        attach_configuration
            What ``ComputeTarget.attach_configuration(…)`` returned.
        """
        return cls.create(workspace, name, attach_configuration)

    @staticmethod
    def attach_configuration(
        kind: str = "local", slots: int = 0, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> NewCompute:
        """Describe something that is there: what runs jobs on this machine, so many at a time.

        Parameters
        ----------
        kind
            An installed kind of compute target, such as ``local``.
        slots
            0 for as many as the machine has cores.
        """
        return NewCompute(type="Local", kind=kind, max_nodes=slots, description=description, tags=dict(tags or {}))

    @property
    def name(self) -> str:
        """Its name."""
        return self.info.name

    @property
    def type(self) -> str:
        """What it is, such as ``AmlCompute``."""
        return self.info.type

    @property
    def provisioning_state(self) -> str:
        """``Succeeded``: on this machine it is there at once."""
        return "Succeeded"

    @property
    def status(self) -> ComputeStatus:
        """How many nodes there are now, and what they do; `serialize` makes a dict of it."""
        return self.get_status()

    def get_status(self) -> ComputeStatus:
        """Say how many nodes there are now, and what they do."""
        self.refresh_state()
        return status_of(self.info)

    def refresh_state(self) -> None:
        """Read it anew.

        Raises
        ------
        ComputeTargetException
            If it was deleted.
        """
        with _explained(self.name):
            self.info = self.workspace.backend.computes.get(self.name)

    def wait_for_completion(
        self, show_output: bool = False, min_node_count: int | None = None, timeout_in_minutes: float = 25
    ) -> None:
        """Wait until it has as many nodes as it is to have at least.

        Parameters
        ----------
        show_output
            Say on standard output how it goes.
        min_node_count
            Nodes to wait for; by default the ``min_nodes`` it was made with. More come only with steps that wait.

        Raises
        ------
        ComputeTargetException
            If it can never have so many, or has not in that time.
        """
        wanted = self.info.min_nodes if min_node_count is None else min_node_count
        if wanted > (most := self.info.max_nodes or wanted):
            raise ComputeTargetException(self.name, f"{wanted} nodes will never be there, max_nodes is {most}.")
        deadline = time.monotonic() + timeout_in_minutes * 60
        while (status := self.get_status()).current_node_count < wanted:
            if time.monotonic() >= deadline:
                problem = f"it has {status.current_node_count} nodes after {timeout_in_minutes:g} min, not {wanted}."
                raise ComputeTargetException(self.name, f"{problem} More come with steps that wait, or with min_nodes.")
            time.sleep(min(_LOOK, max(0.0, deadline - time.monotonic())))
        if show_output:
            sys.stdout.write(f"{status.provisioning_state}\n{self.type} wait for completion finished\n")
            sys.stdout.write(f"Minimum number of nodes requested have been provisioned: {wanted}\n")

    def delete(self) -> None:
        """Delete it.

        Raises
        ------
        ComputeTargetException
            If it is in use, or the one that every workspace has; and inside a run.
        """
        with _managed(self.workspace, self.name):
            self.workspace.backend.computes.delete(self.name)

    def detach(self) -> None:
        """Forget what was attached, as `delete` does."""
        self.delete()

    def serialize(self) -> dict[str, object]:
        """Make a dict of it."""
        return {"name": self.name, "type": self.type, "status": self.status.serialize()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComputeTarget) and (self.workspace, self.name) == (other.workspace, other.name)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class AmlCompute(ComputeTarget):
    """A pool of nodes that grows with the steps that wait for it, and shrinks when they are idle.

    On one machine a node is a slot for a step at a time; the size of a virtual machine changes nothing.
    """

    @staticmethod
    def provisioning_configuration(  # noqa: PLR0913 - the names that users know
        vm_size: str = "",
        vm_priority: Literal["dedicated", "lowpriority"] = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: float | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        description: str = "",
        kind: str = "local",
    ) -> NewCompute:
        """Describe a pool for `create`.

        Parameters
        ----------
        min_nodes, max_nodes
            How many nodes there are at least and at most; by default at most as many as the machine has cores.
        idle_seconds_before_scaledown
            After which nodes beyond `min_nodes` go; by default 120.
        kind
            What runs its steps: an installed kind of compute target.

        Raises
        ------
        ComputeTargetException
            If there can be no such pool.
        """
        idle = 120.0 if idle_seconds_before_scaledown is None else float(idle_seconds_before_scaledown)
        new = NewCompute(
            type="AmlCompute",
            kind=kind,
            vm_size=vm_size,
            vm_priority=vm_priority,
            min_nodes=min_nodes,
            max_nodes=max_nodes or 0,
            idle_seconds_before_scaledown=idle,
            tags=dict(tags or {}),
            description=description,
        )
        with _explained("provisioning_configuration"):
            new.check()
        return new

    def update(
        self,
        min_nodes: int | None = None,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: float | None = None,
    ) -> None:
        """Change how many nodes there may be, and how long they are kept when idle.

        Raises
        ------
        ComputeTargetException
            If there can be no such pool; and inside a run.
        """
        given = {
            "min_nodes": min_nodes,
            "max_nodes": max_nodes,
            "idle_seconds_before_scaledown": idle_seconds_before_scaledown,
        }
        fields = {name: getattr(self.info, name) for name in NewCompute.__struct_fields__ if name != "replace"}
        new = structs.replace(NewCompute(**fields), replace=True, **{n: v for n, v in given.items() if v is not None})
        with _managed(self.workspace, self.name):
            self.info = self.workspace.backend.computes.create(self.name, new)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except (AlreadyExistsError, InUseError, InvalidNameError, InvalidValueError, NotFoundError, StateError) as error:
        raise ComputeTargetException(name, str(error)) from error


@contextmanager
def _managed(workspace: Workspace, name: str) -> Iterator[None]:
    if run := workspace.settings.run:
        problem = f"compute targets are not managed from inside a run, and this is {run}. Do it where you submit."
        raise ComputeTargetException(name, problem)
    with _explained(name):
        yield
