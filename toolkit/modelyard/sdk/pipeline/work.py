"""The work on one step: its inputs brought into the workspace, its job run to its end, what it wrote kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.compute.ending import Ending, ended, failed
from modelyard.compute.job import Job
from modelyard.compute.outputs import collect
from modelyard.compute.preparation import CODE, Trees
from modelyard.compute.target import Compute, JobState
from modelyard.data import transfer
from modelyard.data.access import LocalFile
from modelyard.environments.lock import Lock
from modelyard.errors import ModelyardError, NotFoundError
from modelyard.paging import every
from modelyard.pipelines.graph import FromDataset, FromDatastore, Output, Step
from modelyard.pipelines.run import COMPUTE, StepOutput
from modelyard.runner.holder import Lease
from modelyard.sdk.data.dataset import Dataset
from modelyard.sdk.data.datastore import Datastore
from modelyard.sdk.pipeline.computes import ComputeTargets
from modelyard.sdk.run.logs import STANDARD
from modelyard.sdk.run.script import run_folder
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Entry, Tree
from modelyard.store.trees import keep_file, keep_folder
from modelyard.tracking.files import NewFile
from modelyard.tracking.logs import MAX_CHUNK, LogChunk
from modelyard.tracking.run import RunQuery

LOOK = 1.0
"""Seconds between two looks at a job and at the lease."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a job; `lost` where nobody knows."""

    ending: Ending
    outputs: dict[str, StepOutput] = {}
    files: tuple[NewFile, ...] = ()
    lost: bool = False


class Work:
    """Does what steps need on this machine; it writes no rows."""

    def __init__(self, workspace: Workspace, lease: Lease) -> None:
        self._workspace = workspace
        self._lease = lease

    def inputs(self, step: Step) -> dict[str, StepOutput]:
        """Keep in the workspace what the inputs of a step are on datastores and in data sets.

        Raises
        ------
        NotFoundError
            If there is nothing at a path, or no such data set.
        """
        found = {}
        for name, source in step.inputs.items():
            if isinstance(source, FromDatastore):
                found[name] = _kept_source(self._workspace, source)
            elif isinstance(source, FromDataset):
                found[name] = _kept_dataset(self._workspace, source)
        return found

    def place(self, run: str) -> Path:
        """Say where the job of a step's run is."""
        return run_folder(self._workspace, run)

    def follow(self, compute: Compute, job: Job, step: Step) -> Outcome | None:
        """Run a job, or go on with one that runs, to its end; None if the lease was lost meanwhile."""
        place, backend = self.place(job.run), self._workspace.backend
        try:
            if self._lease.is_lost:
                return None
            compute.start(job, place, Trees(backend.trees.get, backend.blobs))
            while (state := compute.observe(place)).state == "running":
                compute.wait([place], LOOK)
                if self._lease.is_lost:
                    return None
                if backend.runs.get(job.run).status == "CancelRequested":
                    compute.end(place)
            return self._outcome(compute, job, step, state)
        except (ModelyardError, OSError) as error:
            return Outcome(ending=failed(str(error), getattr(error, "code", "system")))

    def sweep(self, computes: ComputeTargets, pipeline_run: str) -> None:
        """Remove what a runner that was killed has left of the jobs of a run that has ended."""
        for child in every(self._workspace.backend.runs.list, RunQuery(parent=pipeline_run, limit=1000)):
            place = self.place(child.id)
            if place.is_dir() and len(list(place.iterdir())) > 1:  # more than the mark that it was cleared
                computes.get(child.properties[COMPUTE]).clear(place)

    def _outcome(self, compute: Compute, job: Job, step: Step, state: JobState) -> Outcome:
        place = self.place(job.run)
        files = tuple(self._files(compute, job, place))
        ending = _ending(step, state, compute.log(place))
        if ending.status != "Completed":
            return Outcome(ending=ending, files=files, lost=state.state != "ended")
        missing = [
            problem for name, output in step.outputs.items() if (problem := _problem(compute, place, name, output))
        ]
        if missing:
            text = f"{_what(step)} succeeded, but {'; '.join(missing)}."
            return Outcome(ending=failed(text, "output-missing"), files=files)
        outputs = {name: _kept(self._workspace, compute.output(place, name)) for name in step.outputs}
        for name, output in step.outputs.items():
            if output.datastore:
                self._upload(compute.output(place, name), output, f"azureml/{job.run}/{name}")
        return Outcome(ending=ending, outputs=outputs, files=files)

    def _files(self, compute: Compute, job: Job, place: Path) -> Iterator[NewFile]:
        """Keep the log, and what the script wrote into the folders whose files are its run's."""
        backend, log = self._workspace.backend, compute.log(place)
        if log.is_file():
            self._send(log, job.run)
            yield NewFile(path=STANDARD, sha256=backend.blobs.put(log), size=log.stat().st_size)
        code = log.parent / CODE
        if code.is_dir():
            snapshot = backend.trees.get(job.snapshot) if job.snapshot else Tree(entries=())
            yield from (one for one in collect(code, snapshot, backend.blobs) if one.path != STANDARD)

    def _send(self, log: Path, run: str) -> None:
        with log.open("rb") as opened:
            while data := opened.read(MAX_CHUNK):
                chunk = LogChunk(path=STANDARD, offset=opened.tell() - len(data), data=data)
                self._workspace.backend.logs.append(run, chunk)

    def _upload(self, path: Path, output: Output, otherwise: str) -> None:
        store = Datastore(self._workspace, output.datastore)
        target = output.path_on_datastore or otherwise
        files = transfer.files_of(path, target) if path.is_dir() else [LocalFile.at(path, target)]
        transfer.upload(store.access, f"The datastore {store.name!r}", files, overwrite=True, seen=lambda *_: None)


def job_of(
    workspace: Workspace, step: Step, run: str, inputs: dict[str, StepOutput], python: str, lock: Lock | None
) -> Job:
    """Make the job of a step, whose parameters are filled in."""
    return Job(
        workspace=workspace.location,
        run=run,
        snapshot=step.code,
        script=step.script,
        command=step.command,
        inputs={name: (one.tree, one.path) for name, one in inputs.items()},
        outputs={name: output.is_directory for name, output in step.outputs.items()},
        lock=lock,
        python=python,
        variables=step.variables,
        timeout=step.timeout,
        cpu=step.cpu,
        memory=step.memory,
        cache=str(workspace.settings.cache.absolute()),
        offline=workspace.settings.offline,
    )


def _ending(step: Step, state: JobState, log: Path) -> Ending:
    match state.detail, state.state:
        case "timeout", _:
            return failed(f"It ran longer than its timeout of {step.timeout:g} s, and was ended.", "timeout")
        case "canceled", _:
            return Ending(status="Canceled", exit_status=state.exit_status)
        case _, "ended":
            ending = ended(_what(step), state.exit_status or 0, log)
        case _:
            return failed("What looked after it was killed, or the machine was started anew.", "lost")
    if state.detail == "memory" and ending.error is not None:
        limit = f" of {step.memory >> 20} MiB" if step.memory else ""
        error = msgspec.structs.replace(
            ending.error, message=f"It took more memory than its limit{limit}.", code="memory"
        )
        return msgspec.structs.replace(ending, error=error)
    return ending


def _what(step: Step) -> str:
    return step.script or step.command[0]


def _problem(compute: Compute, place: Path, name: str, output: Output) -> str:
    path = compute.output(place, name)
    if not path.exists():
        return f"it has not written its output {name!r}"
    if not (path.is_file() or path.is_dir()):
        return f"its output {name!r} is neither a file nor a folder"
    if output.is_directory is False and not path.is_file():
        return f"its output {name!r} is no file"
    if output.is_directory and not path.is_dir():
        return f"its output {name!r} is no folder"
    return ""


def _kept(workspace: Workspace, path: Path) -> StepOutput:
    backend = workspace.backend
    tree = keep_folder(path, backend.blobs) if path.is_dir() else keep_file(path, backend.blobs)
    return StepOutput(tree=backend.trees.create(tree).digest, path="" if path.is_dir() else path.name)


def _kept_source(workspace: Workspace, source: FromDatastore) -> StepOutput:
    store = Datastore(workspace, source.datastore)
    found = list(store.access.list(source.path))
    if source.path and not found:
        raise NotFoundError("file or folder", f"{source.path} in the datastore {source.datastore}")
    if store.datastore_type == "workspace":  # whose files are blobs of the workspace
        single = len(found) == 1 and found[0].path == source.path
        prefix = source.path.rpartition("/")[0] if single else source.path
        entries = [
            Entry(
                path=one.path.removeprefix(f"{prefix}/") if prefix else one.path,
                sha256=str(one.sha256),
                size=one.size,
                executable=one.executable,
            )
            for one in found
        ]
        tree = workspace.backend.trees.create(Tree.of(entries)).digest
        return StepOutput(tree=tree, path=entries[0].path if single else "")
    with tempfile.TemporaryDirectory(prefix="modelyard-input-") as folder:
        path = transfer.materialise(store.access, store.name, source.path, Path(folder))
        return _kept(workspace, path)


def _kept_dataset(workspace: Workspace, source: FromDataset) -> StepOutput:
    dataset = Dataset.get_by_name(workspace, source.dataset, source.version or "latest")
    if dataset.info.reference is None:
        return StepOutput(tree=dataset.digest)
    with tempfile.TemporaryDirectory(prefix="modelyard-input-") as folder:
        dataset.download(folder, show_progress=False)
        return _kept(workspace, Path(folder))
