"""The pipeline endpoint that a user holds: one name, and URL, for the versions of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.paging import every
from modelyard.pipelines.endpoints import PipelineEndpoints
from modelyard.pipelines.graph import Value
from modelyard.pipelines.published import (
    EndpointChange,
    EndpointQuery,
    NewEndpointVersion,
    NewPipelineEndpoint,
    PipelineEndpointInfo,
    PublishedStatus,
)
from modelyard.sdk.author import author
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline.pipeline import Pipeline
from modelyard.sdk.pipeline.published import ALL, PublishedPipeline, begun, call_of, url_of
from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.sdk.workspace import Workspace


class PipelineVersion(Struct, frozen=True, kw_only=True):
    """A version of an endpoint: ``"0"``, ``"1"``, …, and its published pipeline."""

    version: str
    pipeline: PublishedPipeline


class PipelineEndpoint:
    """A name under which a pipeline is called, whatever its newest version is; one version is the default.

    Made by `publish`, found by `get` and `list`.
    """

    def __init__(self, workspace: Workspace, info: PipelineEndpointInfo) -> None:
        self.workspace = workspace
        self.info = info

    @classmethod
    def publish(
        cls, workspace: Workspace, name: str, description: str, pipeline: Pipeline | PublishedPipeline
    ) -> PipelineEndpoint:
        """Make an endpoint, whose version ``"0"`` is a pipeline, which is published if it is not.

        Raises
        ------
        AlreadyExistsError
            If the name is taken; `add` gives an endpoint another version.
        InvalidNameError
            If the name breaks the rule for names.
        """
        published = _published(pipeline, name, description)
        new = NewPipelineEndpoint(name=name, pipeline=published.id, description=description, by=author())
        return cls(workspace, workspace.backend.pipeline_endpoints.create(new))

    @classmethod
    def get(
        cls,
        workspace: Workspace,
        id: str | None = None,  # noqa: A002 - the name that users know
        name: str | None = None,
    ) -> PipelineEndpoint:
        """Find an endpoint by its name, which is its id too.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        return cls(workspace, workspace.backend.pipeline_endpoints.get(name or id or ""))

    def list_versions(self) -> list[PipelineVersion]:
        """List the versions with their published pipelines."""
        return [
            PipelineVersion(version=one.version, pipeline=PublishedPipeline.get(self.workspace, one.pipeline))
            for one in self.info.versions
        ]

    @classmethod
    def list(cls, workspace: Workspace, active_only: bool = True) -> list[PipelineEndpoint]:
        """List the endpoints by name; with ``active_only=False`` also those that cannot be called."""
        query = EndpointQuery(status=("Active",) if active_only else ALL, limit=1000)
        return [cls(workspace, info) for info in every(workspace.backend.pipeline_endpoints.list, query)]

    @property
    def id(self) -> str:
        """Its name."""
        return self.info.name

    @property
    def name(self) -> str:
        """Its name."""
        return self.info.name

    @property
    def description(self) -> str:
        """What it is for."""
        return self.info.description

    @property
    def status(self) -> PublishedStatus:
        """``Active``, ``Disabled`` or ``Archived``; only an active one can be called."""
        return self.info.status

    @property
    def default_version(self) -> str:
        """The version that a call means that names none."""
        return self.info.default_version

    @property
    def endpoint(self) -> str:
        """The URL that its default version is called at; the others have those of their published pipelines.

        Raises
        ------
        NotServedError
            If the workspace is opened as a folder, and not behind a server.
        """
        return url_of(self.workspace, f"The pipeline endpoint {self.name!r}", PipelineEndpoints, name=self.name)

    def get_default_version(self) -> str:
        """Return the version that a call means that names none."""
        return self.default_version

    def get_pipeline(self, version: str | None = None) -> PublishedPipeline:
        """Find the published pipeline of a version, by default that of the default one.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        wanted = version or self.default_version
        for one in self.info.versions:
            if one.version == wanted:
                return PublishedPipeline.get(self.workspace, one.pipeline)
        raise self._no_version(wanted)

    def add(self, pipeline: Pipeline | PublishedPipeline) -> None:
        """Give it its next version, a pipeline, which is published if it is not; the default stays."""
        self._add(pipeline, default=False)

    def add_default(self, pipeline: Pipeline | PublishedPipeline) -> None:
        """Give it its next version, and have it be the default."""
        self._add(pipeline, default=True)

    def set_default_version(self, version: str) -> None:
        """Have another version be the default.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        self._change(EndpointChange(default_version=version))

    def set_default(self, pipeline: PublishedPipeline) -> None:
        """Have the newest version of which `pipeline` is be the default.

        Raises
        ------
        NotFoundError
            If it is of none.
        """
        versions = [one.version for one in self.info.versions if one.pipeline == pipeline.id]
        if not versions:
            raise self._no_version(pipeline.id)
        self.set_default_version(versions[-1])

    def submit(
        self,
        experiment_name: str | Experiment,
        pipeline_parameters: Mapping[str, Value] | None = None,
        *,
        pipeline_version: str | None = None,
        **options: Any,
    ) -> PipelineRun:
        """Have a version run, and return the run at once; ``experiment.submit(endpoint)`` does the same.

        Parameters
        ----------
        experiment_name
            Where the run belongs; the experiment is made if there is none.
        pipeline_parameters
            Values by the names of parameters.
        pipeline_version
            By default the default one.
        options
            ``tags``, ``regenerate_outputs`` and ``continue_on_step_failure``, as ``Pipeline.submit`` takes them.

        Raises
        ------
        StateError
            If it, or the version, is disabled or archived.
        NotFoundError
            If there is no such version.
        InvalidParametersError
            If it does not take a parameter.
        """
        experiment = experiment_name.name if isinstance(experiment_name, Experiment) else experiment_name
        call, room = call_of(experiment, pipeline_parameters, **options), self.workspace.backend.pipeline_endpoints
        if pipeline_version is None:
            called = room.submit(self.name, call)
        else:
            called = room.submit_version(self.name, pipeline_version, call)
        return begun(self.workspace, called.id)

    def enable(self) -> None:
        """Have it be callable again."""
        self._change(EndpointChange(status="Active"))

    def disable(self) -> None:
        """Refuse calls; runs that have begun go on, and its versions can be called by themselves."""
        self._change(EndpointChange(status="Disabled"))

    def archive(self) -> None:
        """Refuse calls, and list it no more unless asked; its name stays taken, and `enable` brings it back."""
        self._change(EndpointChange(status="Archived"))

    def __repr__(self) -> str:
        return f"PipelineEndpoint({self.name!r}, version {self.default_version} of {len(self.info.versions)})"

    def _add(self, pipeline: Pipeline | PublishedPipeline, *, default: bool) -> None:
        published = _published(pipeline, self.name, self.description)
        new = NewEndpointVersion(pipeline=published.id, default=default)
        self.info = self.workspace.backend.pipeline_endpoints.add(self.name, new)

    def _change(self, change: EndpointChange) -> None:
        self.info = self.workspace.backend.pipeline_endpoints.change(self.name, change)

    def _no_version(self, version: str) -> NotFoundError:
        known = [one.version for one in self.info.versions]
        return NotFoundError(f"version of the pipeline endpoint {self.name!r}", version, known)


def _published(pipeline: Pipeline | PublishedPipeline, name: str, description: str) -> PublishedPipeline:
    if isinstance(pipeline, Pipeline):
        return pipeline.publish(name, description)
    if not isinstance(pipeline, PublishedPipeline):
        raise InvalidValueError("pipeline", f"give a Pipeline or a PublishedPipeline, not {type(pipeline).__name__}")
    return pipeline
