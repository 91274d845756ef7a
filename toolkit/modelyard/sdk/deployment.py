"""A revision on its way: what is to be served, where, and what is left if it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modelyard.environments.lock import Lock
from modelyard.errors import InvalidValueError
from modelyard.names import check_name
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.folder import ModelFolder
from modelyard.services.runtime import serving_lock, serving_spec
from modelyard.services.service import NewRevision, Placed, Revision, RevisionChange, RevisionState
from modelyard.services.target import Plan, Wanted, find_target

DEFAULT_TARGET = "process"


class Deployment:
    """A revision on its way: what is to be served, and where."""

    def __init__(  # noqa: PLR0913 - what a deployment is made of, all by keyword
        self,
        workspace: Workspace,
        name: str,
        models: Sequence[str],
        *,
        target: str = DEFAULT_TARGET,
        workers: int = 1,
        port: int = 0,
        timeout: float = 120.0,
    ) -> None:
        if not models:
            raise InvalidValueError("models", "name at least one")
        backend = workspace.backend
        self._services = backend.services
        self._name = check_name("a service", name)
        self._versions = [backend.models.get(model) for model in ([models] if isinstance(models, str) else models)]
        self._target_name = target
        self._target = find_target(target, workspace.settings)
        self._content = ModelFolder(name, self._versions, backend.trees, backend.blobs)
        self._workspace = workspace
        self._lock: Lock | None = None
        self._options: dict[str, Any] = {"workers": workers, "port": port, "timeout": timeout}

    def plan(self, number: int = 1) -> Plan:
        """Say what would be done; resolves the environment, and changes nothing else."""
        wanted = Wanted(
            service=self._name,
            revision=number,
            models=tuple(version.id for version in self._versions),
            lock=self._locked(),
            place=_places(self._workspace) / self._name / str(number),
            **self._options,
        )
        return self._target.plan(wanted)

    def carry_out(self, *, replace: bool, tags: dict[str, str], say: Callable[[str], None]) -> None:
        """Deploy, and end what it replaces once it is ready."""
        say("resolving the environment")
        lock = self._workspace.backend.blobs.put(self._locked().to_json())
        models = tuple(version.id for version in self._versions)
        new = NewRevision(target=self._target_name, models=models, lock=lock, tags=tags, replace=replace)
        revision = self._services.begin(self._name, new)
        before = [r for r in self._services.revisions(self._name).items if r.state == "running"]
        try:
            plan = self.plan(revision.number)
            # recorded before anything is there, so that what a killed deployer leaves can be found and deleted
            self._note(revision, "deploying", plan.place)
            self._note(revision, "running", self._target.apply(plan, self._content, say))
        except BaseException as error:
            self._fail(revision, error)
            raise
        for old in before:
            if old.placed is not None:
                find_target(old.target, self._workspace.settings).remove(old.placed)

    def _note(self, revision: Revision, state: RevisionState, placed: Placed) -> None:
        self._services.change(self._name, revision.number, RevisionChange(state=state, placed=placed))

    def _fail(self, revision: Revision, error: BaseException) -> None:
        """Leave nothing of a first revision; of a later one, the record of why it failed."""
        if revision.number == 1:
            self._services.delete(self._name)
            return
        reason = error.message if isinstance(error, DeploymentFailedError) else str(error) or type(error).__name__
        self._services.change(self._name, revision.number, RevisionChange(state="failed", reason=reason[:2000]))

    def _locked(self) -> Lock:
        if self._lock is None:
            read = self._workspace.backend.blobs.read
            recorded = [Lock.from_json(read(version.lock)) for version in self._versions if version.lock]
            self._lock = serving_lock(serving_spec(recorded), self._workspace.settings)
        return self._lock


def _places(workspace: Workspace) -> Path:
    """Say where on this machine a workspace's services keep their files."""
    if Path(workspace.location).is_dir():
        return Path(workspace.location) / "services"
    return workspace.settings.home / "services" / workspace.info.id
