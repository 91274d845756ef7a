"""Published pipelines as values, endpoints with versions of them, and what a call of either says and is told."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct

from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.run import Options

PublishedStatus = Literal["Active", "Disabled", "Archived"]
"""Only what is active can be called; what is archived is not listed unless it is asked for."""


class NewPublishedPipeline(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pipeline to be called again and again; its graph is sealed.

    Parameters
    ----------
    name
        What people call it: 1 to 250 characters, which others may have too.
    version
        Any text.
    options
        What its runs begin with; values of parameters among them take the place of the defaults.
    by
        Who publishes it.
    """

    name: str
    graph: Graph
    description: str = ""
    version: str = ""
    options: Options = Options()
    by: str = ""


class PublishedPipelineInfo(Struct, frozen=True, kw_only=True):
    """A published pipeline: the digest of its graph, and the parameters of a call that gives none. Times are UTC."""

    id: str
    name: str
    description: str
    version: str
    status: PublishedStatus
    graph: str
    parameters: dict[str, Value]
    options: Options
    created: dt.datetime
    by: str


class PublishedQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which published pipelines to list, the newest first: of a name, of some status (by default all but archived)."""

    name: str | None = None
    status: tuple[PublishedStatus, ...] = ()
    limit: int = 100
    cursor: str | None = None


class PublishedChange(Struct, frozen=True, kw_only=True):
    """The status that a published pipeline is to have."""

    status: PublishedStatus


class PipelineCall(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal", forbid_unknown_fields=True):
    """What a call of a published pipeline says, in the names that clients of Azure Machine Learning send.

    Parameters
    ----------
    experiment_name
        Where the run belongs; the experiment is made if there is none.
    parameter_assignments
        Values by the names of parameters.
    run_source
        Any text: what called.
    continue_run_on_step_failure
        None for as it was published.
    by
        Who calls.
    """

    experiment_name: str
    parameter_assignments: dict[str, Any] = {}
    run_source: str = ""
    tags: dict[str, str] = {}
    regenerate_outputs: bool = False
    continue_run_on_step_failure: bool | None = None
    by: str = ""


class PipelineCalled(Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a call is told: the id of the run, and its status."""

    id: str
    experiment_name: str
    status: str


class NewPipelineEndpoint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name for a published pipeline, which becomes its version 0 and the default."""

    name: str
    pipeline: str
    description: str = ""
    by: str = ""


class EndpointVersion(Struct, frozen=True, kw_only=True):
    """A version of an endpoint ("0", "1", …) and the id of its published pipeline."""

    version: str
    pipeline: str


class PipelineEndpointInfo(Struct, frozen=True, kw_only=True):
    """A name under which versions of a pipeline are called; `versions` is in their order. Times are UTC."""

    name: str
    description: str
    status: PublishedStatus
    default_version: str
    versions: tuple[EndpointVersion, ...]
    created: dt.datetime
    by: str


class EndpointQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which endpoints to list, by name; by default all but archived ones."""

    status: tuple[PublishedStatus, ...] = ()
    limit: int = 100
    cursor: str | None = None


class NewEndpointVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The published pipeline that is an endpoint's next version, and whether it is the default from then on."""

    pipeline: str
    default: bool = False


class EndpointChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be another one; None for what stays."""

    status: PublishedStatus | None = None
    default_version: str | None = None
