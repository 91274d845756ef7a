"""What is said of a run: the part of `Run` that has its name, tags, properties and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.backend.backend import Backend
from modelyard.tracking.metric import as_json
from modelyard.tracking.run import NewRun, RunChange, RunInfo
from modelyard.tracking.status import Status


class RunLabels:
    """The name, tags, properties and parameters of a run; `Run` is the class to use."""

    backend: Backend
    id: str
    _info: RunInfo

    @property
    def display_name(self) -> str:
        """What people call it."""
        return self._fresh().display_name

    @display_name.setter
    def display_name(self, name: str) -> None:
        self._change(RunChange(display_name=name))

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, which may change."""
        return dict(self._fresh().tags)

    @property
    def properties(self) -> dict[str, str]:
        """Its properties, which are only ever added to."""
        return dict(self._fresh().properties)

    @property
    def parameters(self) -> dict[str, Any]:
        """What it was given, such as hyperparameters."""
        return dict(self._fresh().parameters)

    def tag(self, key: str, value: object = "") -> None:
        """Set a tag."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags; those of other names stay."""
        self._change(RunChange(tags={key: str(value) for key, value in tags.items()}))

    def remove_tags(self, *keys: str) -> None:
        """Remove tags; one that is not there is no error."""
        self._change(RunChange(remove_tags=keys))

    def add_properties(self, properties: Mapping[str, object]) -> None:
        """Add properties, which stay as they are.

        Raises
        ------
        StateError
            If one is there with another value.
        """
        self._change(RunChange(properties={key: str(value) for key, value in properties.items()}))

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Add parameters, which stay as they are.

        Raises
        ------
        StateError
            If one is there with another value.
        """
        self._change(RunChange(parameters=as_json(dict(parameters))))

    def _fresh(self) -> RunInfo:
        self._info = self.backend.runs.get(self.id)
        return self._info

    def _change(self, change: RunChange) -> None:
        self._info = self.backend.runs.change(self.id, change)


def new_run(
    name: str | None = None,
    *,
    status: Status = "Running",
    parent: str | None = None,
    tags: Mapping[str, object] | None = None,
    properties: Mapping[str, object] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> NewRun:
    """Make what a run begins with of what a user gives."""
    return NewRun(
        display_name=name or "",
        status=status,
        parent=parent,
        tags={key: str(value) for key, value in (tags or {}).items()},
        properties={key: str(value) for key, value in (properties or {}).items()},
        parameters=as_json(dict(parameters or {})),
    )
