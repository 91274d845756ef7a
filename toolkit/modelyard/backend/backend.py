"""What a workspace can be asked for, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from modelyard.compute.computes import Computes
from modelyard.data.datastores import Datastores
from modelyard.data.files import StoredFiles
from modelyard.data.sets.datasets import Datasets
from modelyard.environments.operations import Environments
from modelyard.images.operations import Images
from modelyard.ledger.operations import Ledger
from modelyard.models.aliases import ModelAliases
from modelyard.models.operations import Models
from modelyard.models.uses import ModelUses
from modelyard.pipelines.endpoints import PipelineEndpoints
from modelyard.pipelines.operations import Pipelines
from modelyard.pipelines.progress import PipelineProgress
from modelyard.pipelines.publishing import PublishedPipelines
from modelyard.runner.leases import Leases
from modelyard.services.operations import Services
from modelyard.services.progress import ServiceProgress
from modelyard.store.blobs import Blobs
from modelyard.store.garbage import Garbage
from modelyard.store.identity import Identity
from modelyard.store.trees import Trees
from modelyard.tracking.beats import Beats
from modelyard.tracking.experiments import Experiments
from modelyard.tracking.files import Files
from modelyard.tracking.logs import Logs
from modelyard.tracking.metrics import Metrics
from modelyard.tracking.runs import Runs

T = TypeVar("T")

ROOMS: tuple[type, ...] = (
    Identity,
    Trees,
    Garbage,
    Experiments,
    Runs,
    Metrics,
    Files,
    Logs,
    Models,
    ModelAliases,
    ModelUses,
    Environments,
    Datastores,
    StoredFiles,
    Computes,
    Datasets,
    Images,
    Services,
    ServiceProgress,
    Pipelines,
    PipelineProgress,
    PublishedPipelines,
    PipelineEndpoints,
    Leases,
    Ledger,
)
"""The classes whose operations make up the control plane."""


class Make(Protocol):
    """Makes a room's operations: the room itself over a store, or an object that calls it over HTTP."""

    def __call__(self, room: type[T], /) -> T:
        """Make the operations of `room`."""


class Backend:
    """The operations of every room, and the blobs beside them.

    Parameters
    ----------
    location
        The folder of an embedded workspace, or the URL of a server.
    """

    def __init__(self, location: str, make: Make, blobs: Blobs, close: Callable[[], None]) -> None:
        self.location = location
        self.blobs = blobs
        self.close = close
        self.identity = make(Identity)
        self.trees = make(Trees)
        self.garbage = make(Garbage)
        self.experiments = make(Experiments)
        self.runs = make(Runs)
        self.metrics = make(Metrics)
        self.files = make(Files)
        self.logs = make(Logs)
        self.beats = Beats(self.runs.beat)
        self.models = make(Models)
        self.model_aliases = make(ModelAliases)
        self.model_uses = make(ModelUses)
        self.computes = make(Computes)
        self.images = make(Images)
        self.services = make(Services)
        self.service_progress = make(ServiceProgress)
        self.environments = make(Environments)
        self.pipelines = make(Pipelines)
        self.pipeline_progress = make(PipelineProgress)
        self.published_pipelines = make(PublishedPipelines)
        self.pipeline_endpoints = make(PipelineEndpoints)
        self.datastores = make(Datastores)
        self.stored_files = make(StoredFiles)
        self.datasets = make(Datasets)
        self.leases = make(Leases)
        self.ledger = make(Ledger)
