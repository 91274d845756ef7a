"""A workspace with one of everything, and how each operation is called on it.

An operation that has no row in `CALLS` fails the suite: what is not called here is not known to work over HTTP.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from tests.contract.sealed import seal, spec

from modelyard.backend.backend import ROOMS, Backend
from modelyard.compute.pool import ComputeQuery, NewCompute
from modelyard.data.datastore import DatastoreQuery, DefaultDatastore, NewDatastore
from modelyard.data.files import NewStoredFile, NewStoredFiles, RemoveStoredFiles, StoredFileQuery
from modelyard.data.kinds import Folder
from modelyard.data.sets.dataset import DatasetQuery, NewDatasetVersion
from modelyard.environments.lock import Lock, LockedPackage
from modelyard.environments.registered import EnvironmentQuery, NewEnvironment, NewEnvironmentLock
from modelyard.environments.specification import EnvironmentSpec
from modelyard.images.image import ImageChange, ImageQuery, NewImageVersion
from modelyard.images.spec import Resources
from modelyard.ledger.entry import LedgerQuery, VerifyQuery
from modelyard.models.model import (
    AliasMoveQuery,
    ModelChange,
    ModelQuery,
    ModelUse,
    MoveAlias,
    NewModelVersion,
    RemoveAlias,
)
from modelyard.operation import Operation, operations
from modelyard.pipelines.advance import CacheKeys, KeptOutputs, PipelineAdvance, PipelineDueQuery
from modelyard.pipelines.graph import FromOutput, Graph, Output, Parameter, Step
from modelyard.pipelines.published import (
    EndpointChange,
    EndpointQuery,
    NewEndpointVersion,
    NewPipelineEndpoint,
    NewPublishedPipeline,
    PipelineCall,
    PublishedChange,
    PublishedQuery,
)
from modelyard.pipelines.run import CacheEntry, NewPipelineRun, Options, StepInfo, StepOutput, StepQuery
from modelyard.runner.lease import AcquireLease, LeaseQuery, ReleaseLease, RenewLease
from modelyard.services.policy import Policy
from modelyard.services.progress import Advance, DueQuery, Forget
from modelyard.services.rollout import NewRollout, RolloutAsk
from modelyard.services.service import ServiceChange, ServiceQuery, ServiceStanding, ServiceWish
from modelyard.services.settings import ServiceSettings
from modelyard.store.garbage import CollectGarbage
from modelyard.store.identity import NewWorkspace
from modelyard.store.tree import Entry, Tree
from modelyard.tracking.files import FileQuery, NewFile, NewFiles
from modelyard.tracking.logs import LogChunk, LogQuery
from modelyard.tracking.metric import MetricBatch, MetricQuery, NewMetric
from modelyard.tracking.run import ExperimentQuery, NewExperiment, NewRun, RunChange, RunQuery, StatusChange

PLATFORM, OTHER = "x86_64-manylinux_2_28", "aarch64-manylinux_2_28"
BLOBS = "workspaceblobstore"
PIPELINE = "digits_2"
SPEC = EnvironmentSpec.create(["six"], python="3.11")


class Yard(Struct, frozen=True, kw_only=True):
    """What stands: the digest of a blob and of a tree, and a run's id."""

    backend: Backend
    blob: str
    tree: str
    run: str

    @property
    def entries(self) -> Tree:
        """A tree of one file."""
        return Tree.of([Entry(path="model.bin", sha256=self.blob, size=4)])

    @property
    def pipeline(self) -> NewPublishedPipeline:
        """A pipeline to publish."""
        return NewPublishedPipeline(name="ü b", graph=_pipeline(self.tree).graph, by="me")

    @property
    def published(self) -> str:
        """The id of a published pipeline."""
        return self.backend.published_pipelines.list(PublishedQuery()).items[0].id


def fill(backend: Backend) -> Yard:
    """Make one of everything."""
    blob = backend.blobs.put(b"blob")
    tree = backend.trees.create(Tree.of([Entry(path="model.bin", sha256=blob, size=4)])).digest
    backend.experiments.create(NewExperiment(name="digits"))
    run = backend.runs.create("digits", NewRun(status="Running")).id
    yard = Yard(backend=backend, blob=blob, tree=tree, run=run)
    backend.metrics.log(run, MetricBatch(metrics=(NewMetric(name="loss", value=0.5),)))
    backend.files.add(run, NewFiles(files=(NewFile(path="outputs/a", sha256=blob, size=4),)))
    backend.logs.append(run, LogChunk(path="log.txt", offset=0, data=b"line\n"))
    for _ in range(2):
        backend.models.register("digits", NewModelVersion(tree=tree))
    backend.model_aliases.move("digits", "champion", MoveAlias(version=1, who="me"))
    backend.model_uses.add("digits", 1, ModelUse(kind="service", user="one"))
    backend.environments.register("train", NewEnvironment(spec=SPEC))
    backend.environments.keep_lock("train", 1, PLATFORM, _lock(backend, PLATFORM))
    backend.computes.create("cpu-cluster", NewCompute(max_nodes=4))
    backend.datastores.register("shared", NewDatastore(kind=Folder(path="/srv/data")))
    backend.stored_files.add(BLOBS, NewStoredFiles(files=(NewStoredFile(path="a/b", sha256=blob, size=4),)))
    backend.datasets.register("churn", NewDatasetVersion(content=tree, tags={"a": "b"}, run_id=run))
    for memory in (1 << 30, 2 << 30):
        seal(backend, "digits", "digits:1", resources=Resources(memory=memory))
    backend.services.deploy("digits", NewRollout(image="digits:1", by="me", machine="here"))
    published = backend.published_pipelines.publish(yard.pipeline)
    backend.pipeline_endpoints.create(NewPipelineEndpoint(name="digits", pipeline=published.id))
    backend.leases.acquire("service:digits", AcquireLease(holder="me"))
    backend.pipelines.submit(_pipeline(tree))
    backend.leases.acquire(f"pipeline:{PIPELINE}", AcquireLease(holder="me"))
    backend.leases.acquire("job:standing", AcquireLease(holder="me"))
    return yard


def _lock(backend: Backend, platform: str) -> NewEnvironmentLock:
    package = LockedPackage(name="six", version="1.17.0", hashes=(f"sha256:{'0' * 64}",))
    lock = Lock(kind="resolved", platform=platform, python=SPEC.python, packages=(package,), spec=SPEC.digest)
    return NewEnvironmentLock(sha256=backend.blobs.put(lock.to_json()))


def _pipeline(tree: str) -> NewPipelineRun:
    made = {"rows": Output(is_directory=True)}
    prepare = Step(name="prepare", script="model.bin", command=("${{outputs.rows}}",), code=tree, outputs=made)
    train = Step(
        name="train",
        command=("true", "${{parameters.rate}}"),
        inputs={"rows": FromOutput(step="prepare", output="rows")},
    )
    graph = Graph(steps=(prepare, train), parameters={"rate": Parameter(default=0.5)})
    return NewPipelineRun(experiment="digits", graph=graph, options=Options(parameters={"rate": 0.25}), tags={"a": "b"})


def _advance(tree: str) -> PipelineAdvance:
    queued = StepInfo(position=0, name="prepare", state="queued", leaves={"parameters/rate": 0.25}, because="changed")
    written = {"rows": StepOutput(tree=tree)}
    return PipelineAdvance(
        token=1,
        machine="here",
        steps=(queued,),
        begin=(queued,),
        slots={"local": 1},
        entries=(CacheEntry(key="0" * 64, run=PIPELINE, created=1.5, outputs=written),),
        changes=(StatusChange(status="Running"),),
    )


Arguments = Callable[[Yard], tuple[Any, ...]]

CALLS: dict[str, Arguments] = {
    "Identity.get": lambda _: (),
    "Identity.relabel": lambda _: (NewWorkspace(name="other", labels={"résumé": "é"}),),
    "Trees.create": lambda y: (y.entries,),
    "Trees.get": lambda y: (y.tree,),
    "Garbage.collect": lambda _: (CollectGarbage(older_than=0.0, dry_run=True),),
    "Experiments.create": lambda _: (NewExperiment(name="letters", description="ü"),),
    "Experiments.get": lambda _: ("digits",),
    "Experiments.list": lambda _: (ExperimentQuery(limit=1),),
    "Runs.create": lambda _: ("digits", NewRun(parameters={"rate": 0.1, "deep": {"list": [1, None, "x"]}})),
    "Runs.get": lambda y: (y.run,),
    "Runs.list": lambda _: (RunQuery(experiment="digits", status=("Running", "Failed"), top=True, limit=5),),
    "Runs.change_status": lambda y: (y.run, StatusChange(status="Completed")),
    "Runs.beat": lambda y: (y.run,),
    "Runs.change": lambda y: (y.run, RunChange(tags={"a": "b"}, remove_tags=("c",))),
    "Metrics.log": lambda y: (y.run, MetricBatch(metrics=(NewMetric(name="loss", value=0.25, step=3),))),
    "Metrics.list": lambda y: (y.run, MetricQuery(name="loss")),
    "Files.add": lambda y: (y.run, NewFiles(files=(NewFile(path="outputs/ü b", sha256=y.blob, size=4),))),
    "Files.list": lambda y: (y.run, FileQuery(below="outputs")),
    "Logs.append": lambda y: (y.run, LogChunk(path="log.txt", offset=5, data=b"\xff\n")),
    "Logs.read": lambda y: (y.run, LogQuery(path="log.txt", offset=1)),
    "Logs.list": lambda y: (y.run,),
    "Models.register": lambda y: ("letters", NewModelVersion(tree=y.tree, tags={"a": "b"}, run_id=y.run)),
    "Models.list": lambda _: (ModelQuery(name="digits", latest=True),),
    "Models.get": lambda _: ("digits@champion",),
    "Models.update": lambda _: ("digits", 1, ModelChange(description="new", tags={"a": "b"})),
    "Models.delete": lambda _: ("digits", 2),
    "ModelAliases.list": lambda _: ("digits",),
    "ModelAliases.move": lambda _: ("digits", "champion", MoveAlias(version=2, who="me", why="better")),
    "ModelAliases.remove": lambda _: ("digits", "champion", RemoveAlias(who="me", why="worse")),
    "ModelAliases.moves": lambda _: ("digits", AliasMoveQuery(alias="champion")),
    "ModelUses.list": lambda _: ("digits", 1),
    "ModelUses.add": lambda _: ("digits", 2, ModelUse(kind="service", user="two")),
    "ModelUses.remove": lambda _: ("digits", 1, ModelUse(kind="service", user="one")),
    "Environments.register": lambda _: (
        "serve",
        NewEnvironment(spec=EnvironmentSpec.create(["idna"], python="3.12")),
    ),
    "Environments.get": lambda _: ("train", 1),
    "Environments.latest": lambda _: ("train",),
    "Environments.list": lambda _: (EnvironmentQuery(limit=3),),
    "Environments.versions": lambda _: ("train", EnvironmentQuery()),
    "Environments.keep_lock": lambda y: ("train", 1, OTHER, _lock(y.backend, OTHER)),
    "Environments.get_lock": lambda _: ("train", 1, PLATFORM),
    "Computes.create": lambda _: ("ours", NewCompute(vm_size="STANDARD_NC6", max_nodes=4, tags={"a": "b"})),
    "Computes.get": lambda _: ("cpu-cluster",),
    "Computes.list": lambda _: (ComputeQuery(limit=1),),
    "Computes.delete": lambda _: ("cpu-cluster",),
    "Datastores.register": lambda _: (
        "other",
        NewDatastore(kind=Folder(path="/srv/ü b"), description="ü", tags={"a": "b"}, replace=True),
    ),
    "Datastores.get": lambda _: ("shared",),
    "Datastores.list": lambda _: (DatastoreQuery(limit=1),),
    "Datastores.unregister": lambda _: ("shared",),
    "Datastores.default": lambda _: (),
    "Datastores.set_default": lambda _: (DefaultDatastore(name="shared"),),
    "StoredFiles.add": lambda y: (
        BLOBS,
        NewStoredFiles(files=(NewStoredFile(path="ü b", sha256=y.blob, size=4, executable=True),), replace=True),
    ),
    "StoredFiles.list": lambda _: (BLOBS, StoredFileQuery(prefix="a")),
    "StoredFiles.remove": lambda _: (BLOBS, RemoveStoredFiles(paths=("a/b", "none"))),
    "Datasets.register": lambda y: ("other", NewDatasetVersion(content=y.tree, description="ü", tags={"a": "b"})),
    "Datasets.list": lambda y: (DatasetQuery(name="churn", digest=y.tree, latest=True, limit=1),),
    "Datasets.get": lambda _: ("churn:1",),
    "Datasets.delete": lambda _: ("churn", 1),
    "Images.register": lambda y: (
        "letters",
        NewImageVersion(spec=y.backend.blobs.put(spec(y.backend, "letters", "digits:1").canonical)),
    ),
    "Images.get": lambda _: ("digits:1",),
    "Images.list": lambda _: (ImageQuery(model="digits:1", limit=1),),
    "Images.update": lambda _: ("digits", 1, ImageChange(description="new", tags={"a": "b"})),
    "Images.delete": lambda _: ("digits", 2),
    "Services.deploy": lambda _: ("letters", NewRollout(image="digits:1", by="ü", policy=Policy.canary((5, 50)))),
    "Services.change": lambda _: ("digits", ServiceChange(settings=ServiceSettings(replicas=2), by="me", why="ü")),
    "Services.wish": lambda _: ("digits", ServiceWish(wanted="stopped", by="me")),
    "Services.ask": lambda _: ("digits", RolloutAsk(wanted="promote", by="me")),
    "Services.get": lambda _: ("digits",),
    "Services.list": lambda _: (ServiceQuery(target="process"),),
    "Services.revisions": lambda _: ("digits",),
    "Services.rollouts": lambda _: ("digits",),
    "ServiceProgress.due": lambda _: (DueQuery(machine="here"),),
    "ServiceProgress.look": lambda _: ("digits",),
    "ServiceProgress.advance": lambda _: (
        "digits",
        Advance(token=1, settled=1, standing=ServiceStanding(machine="here", serving=1, traffic={1: 100})),
    ),
    "ServiceProgress.forget": lambda _: ("digits", Forget(token=1)),
    "Pipelines.submit": lambda y: (_pipeline(y.tree),),
    "Pipelines.get": lambda _: (PIPELINE,),
    "Pipelines.steps": lambda _: (PIPELINE, StepQuery(limit=1)),
    "PipelineProgress.due": lambda _: (PipelineDueQuery(machine="here"),),
    "PipelineProgress.look": lambda _: (PIPELINE,),
    "PipelineProgress.cached": lambda _: (CacheKeys(keys=("0" * 64, "1" * 64)),),
    "PipelineProgress.faults": lambda y: (KeptOutputs(outputs=({"model": StepOutput(tree=y.tree)},)),),
    "PipelineProgress.advance": lambda y: (PIPELINE, _advance(y.tree)),
    "PublishedPipelines.publish": lambda y: (y.pipeline,),
    "PublishedPipelines.get": lambda y: (y.published,),
    "PublishedPipelines.list": lambda _: (PublishedQuery(name="ü b", status=("Active", "Disabled"), limit=1),),
    "PublishedPipelines.change": lambda y: (y.published, PublishedChange(status="Disabled")),
    "PublishedPipelines.submit": lambda y: (
        y.published,
        PipelineCall(experiment_name="letters", parameter_assignments={"rate": 2}, tags={"a": "b"}, by="me"),
    ),
    "PipelineEndpoints.create": lambda y: (NewPipelineEndpoint(name="letters", pipeline=y.published, description="ü"),),
    "PipelineEndpoints.get": lambda _: ("digits",),
    "PipelineEndpoints.list": lambda _: (EndpointQuery(status=("Active",), limit=1),),
    "PipelineEndpoints.add": lambda y: ("digits", NewEndpointVersion(pipeline=y.published, default=True)),
    "PipelineEndpoints.change": lambda _: ("digits", EndpointChange(status="Archived", default_version="0")),
    "PipelineEndpoints.submit": lambda _: ("digits", PipelineCall(experiment_name="letters")),
    "PipelineEndpoints.submit_version": lambda _: ("digits", "0", PipelineCall(experiment_name="letters")),
    "Leases.acquire": lambda _: ("job:other", AcquireLease(holder="ü", ttl=5.0)),
    "Leases.renew": lambda _: ("job:standing", RenewLease(token=1, reason="ValueError: ü")),
    "Leases.release": lambda _: ("job:standing", ReleaseLease(token=1)),
    "Leases.list": lambda _: (LeaseQuery(limit=1),),
    "Ledger.list": lambda _: (LedgerQuery(subject="service:ü", until=dt.datetime.now(dt.UTC)),),
    "Ledger.verify": lambda _: (VerifyQuery(head="0" * 64),),
}


def declared() -> Iterator[tuple[str, type, Operation]]:
    """List every operation that there is, with its name here and its room."""
    for room in ROOMS:
        for one in operations(room):
            yield f"{room.__name__}.{one.name}", room, one


def room_of(backend: Backend, room: type) -> Any:
    """Find a backend's operations of a room."""
    return next(one for one in vars(backend).values() if isinstance(one, room))
