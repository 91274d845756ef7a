"""Scripts that are submitted: what to run, checked, recorded, and handed to a process of its own."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modelyard.compute.detached import start_detached
from modelyard.compute.job import Job, fill_in
from modelyard.environments.lock import Lock
from modelyard.environments.recording import lock_running
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec
from modelyard.environments.uv_program import Uv
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.names import check_name
from modelyard.sdk.environment import Environment
from modelyard.sdk.run.heartbeat import INTERVAL
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.run.run import Run
from modelyard.sdk.run.supervisor import JOB
from modelyard.sdk.workspace import Workspace
from modelyard.store.trees import keep_file, keep_folder
from modelyard.tracking.git import git_facts
from modelyard.tracking.run import SUBMITTED, NewRun, RunError, RunInfo, StatusChange
from modelyard.tracking.snapshot import LIMIT, check_script, snapshot_files, take_snapshot

if TYPE_CHECKING:
    from modelyard.sdk.experiment import Experiment

Seen = Callable[[str, int], None]

LOCAL = "local"
"""The compute target that is always there: processes on the machine that submits."""


class ScriptRunConfig(Struct, frozen=True):
    """A script to submit, and what it needs.

    Parameters
    ----------
    source_directory
        The folder whose files are kept as the run's snapshot, and which the script runs in; by default the current
        one. Its ignore files say what is left out.
    script
        The path of a Python script in that folder.
    arguments
        What follows the script; ``${{inputs.NAME}}`` stands for the path of an input.
    command
        In place of a script, any program with its arguments: words, or one text that is split as a shell would.
    environment
        A specification, a lock, an `Environment` or the name of one; by default the interpreter that submits.
    environment_variables
        Set for the script. Their names are recorded, their values are not.
    inputs
        Files and folders that the script gets a copy of, by names; their content is recorded.
    timeout
        Seconds that the script may run; by default as long as it takes.
    compute_target
        Where it runs: ``local``.
    snapshot_limit
        Bytes that the files of the source folder may have together.
    """

    source_directory: str | Path = "."
    script: str | None = None
    arguments: Sequence[Any] = ()
    command: Sequence[Any] | str | None = None
    environment: Any = None
    environment_variables: Mapping[str, str] = {}
    inputs: Mapping[str, str | Path] = {}
    timeout: float | None = None
    compute_target: str = LOCAL
    snapshot_limit: int = LIMIT

    def submit(
        self, experiment: Experiment, *, tags: Mapping[str, object] | None = None, seen: Seen | None = None
    ) -> Run:
        """Submit it to an experiment, as ``experiment.submit(config)`` does; what it raises says `submit`.

        Parameters
        ----------
        seen
            Called with the path and the bytes of each file of the source that has been kept: progress.
        """
        given = {key: str(value) for key, value in (tags or {}).items()}
        return Run(experiment.workspace, submit(experiment.workspace, experiment.name, self, given, seen))

    @property
    def words(self) -> tuple[str, ...]:
        """What follows the script, or the command."""
        if self.command is None:
            return tuple(str(word) for word in self.arguments)
        return tuple(shlex.split(self.command) if isinstance(self.command, str) else (str(w) for w in self.command))

    def check(self) -> None:
        """Pass if this can be submitted.

        Raises
        ------
        InvalidValueError
            If there is not exactly one of script and command, a file is not there or left out of the snapshot, or a
            value cannot be.
        NotFoundError
            If the source folder has no such script, or there is no such input or compute target.
        """
        if self.compute_target != LOCAL:
            raise NotFoundError("compute target", self.compute_target, [LOCAL])
        if (self.script is None) == (self.command is None):
            raise InvalidValueError("ScriptRunConfig", "give a script with its arguments, or a command")
        if self.command is not None and (self.arguments or not self.words):
            raise InvalidValueError("ScriptRunConfig", "a command holds its arguments itself, and is not empty")
        if self.timeout is not None and not self.timeout > 0:
            raise InvalidValueError(f"timeout {self.timeout}", "seconds, above 0")
        for name, path in self.inputs.items():
            check_name("an input", name)
            if not Path(path).exists():
                raise InvalidValueError(f"input {name!r}", f"there is no file or folder {str(path)!r}")
        _check_variables(self.environment_variables)
        fill_in([*self.words, *self.environment_variables.values()], dict.fromkeys(self.inputs, ""))
        folder = Path(self.source_directory)
        files = snapshot_files(folder)
        if self.script is not None:
            check_script(self.script, folder, files)


def submit(
    workspace: Workspace,
    experiment: str,
    config: ScriptRunConfig,
    tags: Mapping[str, str],
    seen: Seen | None = None,
) -> RunInfo:
    """Record a run of `experiment`, which is there, and start the process that looks after it.

    Raises
    ------
    InvalidValueError
        If `config` cannot be run as it is; nothing has been kept or recorded then.
    NotFoundError
        If the script, an input, an environment or the compute target is not there; the same.
    ResolveError
        If the environment cannot be locked; the same.
    SnapshotTooLargeError
        If the source folder holds more than a snapshot may; the same.
    """
    config.check()
    lock = lock_of(workspace, config.environment)
    backend = workspace.backend
    snapshot = backend.trees.create(
        take_snapshot(Path(config.source_directory), backend.blobs, limit=config.snapshot_limit, seen=seen)
    )
    inputs = {name: _keep_input(workspace, Path(path)) for name, path in config.inputs.items()}
    digests = {"snapshot": snapshot.digest, "environment": backend.blobs.put(lock.to_json())}
    digests |= {f"input:{name}": digest for name, (digest, _) in inputs.items()}
    info = backend.runs.create(
        experiment,
        NewRun(
            type=SUBMITTED,
            status="Queued",
            heartbeat=INTERVAL,
            tags=dict(tags),
            digests=digests,
            details=_details(config, lock),
        ),
    )
    job = Job(
        workspace=workspace.location,
        run=info.id,
        snapshot=snapshot.digest,
        script=config.script,
        command=config.words,
        inputs=inputs,
        lock=lock if lock.kind == "resolved" else None,
        python=sys.executable,
        variables=dict(config.environment_variables),
        timeout=config.timeout,
        cache=str(workspace.settings.cache.absolute()),
        offline=workspace.settings.offline,
    )
    return _start(workspace, info, job)


def run_folder(workspace: Workspace, run: str) -> Path:
    """Say where the files of a submitted run are while it runs: in an embedded workspace, else in this user's cache."""
    if is_served(workspace):
        return workspace.settings.cache.absolute() / "runs" / f"{workspace.info.id}-{run}"
    return Path(workspace.location).absolute() / "runs" / run


def _start(workspace: Workspace, info: RunInfo, job: Job) -> RunInfo:
    folder = run_folder(workspace, info.id)
    info = workspace.backend.runs.beat(info.id)  # from here on silence means that nobody looks after it
    # not the run that this process may itself belong to, nor what its interpreter was told about safety of paths
    environment = {name: value for name, value in os.environ.items() if name != "MODELYARD_RUN"}
    if workspace.settings.token is not None:
        environment["MODELYARD_TOKEN"] = workspace.settings.token.reveal()
    try:
        folder.mkdir(parents=True)
        job.write(folder / JOB)
        command = [sys.executable, "-P", "-m", "modelyard.sdk.run.supervisor", str(folder)]
        start_detached(command, environment=environment, folder=folder, log=folder / "supervisor.log")
    except OSError as error:
        reason = RunError(message=f"It could not be started: {error}", code="not-started")
        workspace.backend.runs.change_status(info.id, StatusChange(status="Failed", error=reason))
        raise
    return info


def _keep_input(workspace: Workspace, path: Path) -> tuple[str, str]:
    """Keep an input as a tree: its digest, and the path in it that the script gets."""
    blobs = workspace.backend.blobs
    tree = keep_folder(path, blobs) if path.is_dir() else keep_file(path, blobs)
    return workspace.backend.trees.create(tree).digest, "" if path.is_dir() else path.name


def lock_of(workspace: Workspace, environment: Any) -> Lock:
    """Lock what was asked for; with nothing asked for, record what is installed here.

    Raises
    ------
    InvalidValueError
        If it is no environment, or a lock that cannot be installed.
    NotFoundError
        If there is no environment of that name.
    ResolveError
        If it cannot be locked.
    """
    offline = workspace.settings.offline
    match environment:
        case None:
            return lock_running()
        case Lock(kind="resolved"):
            return environment
        case Lock():
            reason = "it says what was installed somewhere, without hashes; resolve it with Resolver().resolve_recorded"
            raise InvalidValueError(f"lock {environment.digest[:12]}", reason)
        case EnvironmentSpec():
            wheels = workspace.settings.cache.absolute() / "environments" / ".wheels"
            return Resolver(uv=Uv(offline=offline), wheelhouse=wheels).lock(environment)
        case Environment():
            return environment.lock(offline=offline)
        case str():
            return Environment.get(workspace, environment).lock(offline=offline)
    raise InvalidValueError(f"environment {environment!r}", "give a specification, a lock, an Environment or its name")


def _details(config: ScriptRunConfig, lock: Lock) -> dict[str, Any]:
    git = git_facts(Path(config.source_directory))
    return {
        "script": config.script,
        "arguments": list(config.words) if config.command is None else [],
        "command": None if config.command is None else list(config.words),
        "inputs": {name: str(Path(path).absolute()) for name, path in config.inputs.items()},
        "environment": {"digest": lock.digest, "kind": lock.kind, "python": lock.python, "platform": lock.platform},
        "environment_variables": sorted(config.environment_variables),
        "source_directory": str(Path(config.source_directory).absolute()),
        "timeout": config.timeout,
        "compute_target": config.compute_target,
        "git": git,
    }


def _check_variables(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        if not name or "=" in name or "\x00" in f"{name}{value}" or not isinstance(value, str):
            raise InvalidValueError(f"environment variable {name!r}", "name and value are texts; no '=' in the name")
