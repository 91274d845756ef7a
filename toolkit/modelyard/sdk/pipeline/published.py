"""The published pipeline that a user holds: called by its id, from here or over HTTP."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from modelyard.operation import PREFIX, operations
from modelyard.paging import every
from modelyard.pipelines.errors import NotServedError
from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.published import (
    NewPublishedPipeline,
    PipelineCall,
    PublishedChange,
    PublishedPipelineInfo,
    PublishedQuery,
    PublishedStatus,
)
from modelyard.pipelines.publishing import PublishedPipelines
from modelyard.sdk.author import author
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.workspace import Workspace

ALL: tuple[PublishedStatus, ...] = ("Active", "Disabled", "Archived")


class PublishedPipeline:
    """A pipeline that is kept with its code, environments and parameters, to be called again and again.

    Made by ``Pipeline.publish`` and ``PipelineRun.publish_pipeline``, found by `get` and `list`.
    """

    def __init__(self, workspace: Workspace, info: PublishedPipelineInfo) -> None:
        self.workspace = workspace
        self.info = info

    @classmethod
    def create(cls, workspace: Workspace, new: NewPublishedPipeline) -> PublishedPipeline:
        """Publish a graph that is sealed already."""
        return cls(workspace, workspace.backend.published_pipelines.publish(new))

    @classmethod
    def get(cls, workspace: Workspace, id: str) -> PublishedPipeline:  # noqa: A002 - the name that users know
        """Find a published pipeline.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        """
        return cls(workspace, workspace.backend.published_pipelines.get(id))

    @classmethod
    def list(cls, workspace: Workspace, active_only: bool = True) -> list[PublishedPipeline]:
        """List the published pipelines, the newest first; with ``active_only=False`` also those that cannot be called.

        Several may have the same name.
        """
        query = PublishedQuery(status=("Active",) if active_only else ALL, limit=1000)
        return [cls(workspace, info) for info in every(workspace.backend.published_pipelines.list, query)]

    @property
    def id(self) -> str:
        """What tells it from all others."""
        return self.info.id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.info.name

    @property
    def description(self) -> str:
        """What it is for."""
        return self.info.description

    @property
    def version(self) -> str:
        """The text that it was given as its version."""
        return self.info.version

    @property
    def status(self) -> PublishedStatus:
        """``Active``, ``Disabled`` or ``Archived``; only an active one can be called."""
        return self.info.status

    @property
    def parameters(self) -> dict[str, Value]:
        """What each parameter is in a call that does not say."""
        return self.info.parameters

    @property
    def continue_on_step_failure(self) -> bool:
        """Whether its runs go on with steps that do not need one that failed."""
        return self.info.options.continue_on_failure

    @property
    def endpoint(self) -> str:
        """The URL that it is called at: ``POST`` with ``{"ExperimentName": …, "ParameterAssignments": {…}}``.

        Raises
        ------
        NotServedError
            If the workspace is opened as a folder, and not behind a server.
        """
        return url_of(self.workspace, f"The published pipeline {self.name!r}", PublishedPipelines, pipeline=self.id)

    @functools.cached_property
    def graph(self) -> Graph:
        """What it runs, as a value."""
        return msgspec.json.decode(self.workspace.backend.blobs.read(self.info.graph), type=Graph)

    def get_graph(self) -> Graph:
        """Return what it runs, as a value."""
        return self.graph

    def submit(
        self,
        workspace: Workspace | Experiment,
        experiment_name: str = "",
        pipeline_parameters: Mapping[str, Value] | None = None,
        **options: Any,
    ) -> PipelineRun:
        """Have it run, and return the run at once; ``experiment.submit(published)`` does the same.

        Parameters
        ----------
        workspace
            The workspace that it is in, or the experiment.
        experiment_name
            Where the run belongs; the experiment is made if there is none.
        pipeline_parameters
            Values by the names of parameters.
        options
            ``tags``, ``regenerate_outputs`` and ``continue_on_step_failure``, as ``Pipeline.submit`` takes them.

        Raises
        ------
        StateError
            If it is disabled or archived.
        InvalidParametersError
            If it does not take a parameter.
        """
        if isinstance(workspace, Experiment):
            workspace, experiment_name = workspace.workspace, workspace.name
        called = workspace.backend.published_pipelines.submit(
            self.id, call_of(experiment_name, pipeline_parameters, **options)
        )
        return begun(workspace, called.id)

    def enable(self) -> None:
        """Have it be callable again."""
        self._change("Active")

    def disable(self) -> None:
        """Refuse calls; runs that have begun go on."""
        self._change("Disabled")

    def archive(self) -> None:
        """Refuse calls, and list it no more unless asked; what it needs is kept, and `enable` brings it back."""
        self._change("Archived")

    def __repr__(self) -> str:
        return f"PublishedPipeline({self.name!r}, {self.id!r}, {self.status})"

    def _change(self, status: PublishedStatus) -> None:
        self.info = self.workspace.backend.published_pipelines.change(self.id, PublishedChange(status=status))


def call_of(
    experiment: str,
    parameters: Mapping[str, Value] | None,
    *,
    tags: Mapping[str, object] | None = None,
    regenerate_outputs: bool = False,
    continue_on_step_failure: bool | None = None,
) -> PipelineCall:
    """Put together what a call from Python says."""
    return PipelineCall(
        experiment_name=experiment,
        parameter_assignments=dict(parameters or {}),
        run_source="SDK",
        tags={key: str(value) for key, value in (tags or {}).items()},
        regenerate_outputs=regenerate_outputs,
        continue_run_on_step_failure=continue_on_step_failure,
        by=author(),
    )


def begun(workspace: Workspace, run: str) -> PipelineRun:
    """See to a runner, and find the run that a call has begun."""
    ensure_runner(workspace, wait=False)
    return PipelineRun.get(workspace, run)


def url_of(workspace: Workspace, what: str, room: type, **path: str) -> str:
    """Say where the operation ``submit`` of a room is called.

    Raises
    ------
    NotServedError
        If the workspace is opened as a folder.
    """
    if not is_served(workspace):
        raise NotServedError(what, workspace.location)
    submit = next(one for one in operations(room) if one.name == "submit")
    return workspace.location + PREFIX + submit.path.format(**path)
