"""A revision on its way: what is to be served, where, and what is left if it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modelyard.errors import InvalidValueError
from modelyard.images.inference import NONE, InferenceConfig, ResourceConfig
from modelyard.names import check_name
from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.service import NewRevision, Placed, Revision, RevisionChange, RevisionState
from modelyard.services.target import Plan, Wanted, find_target

DEFAULT_TARGET = "process"


class Deployment:
    """A revision on its way: which image is to be served, and where.

    Parameters
    ----------
    image
        ``NAME`` (the highest version) or ``NAME:VERSION``.
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        image: Image,
        *,
        target: str = DEFAULT_TARGET,
        port: int = 0,
        timeout: float = 120.0,
    ) -> None:
        self._services = workspace.backend.services
        self._name = check_name("a service", name)
        self._image = image
        self._target_name = target
        self._target = find_target(target, workspace.settings)
        self._content = ImageContent(image)
        self._workspace = workspace
        self._options: dict[str, Any] = {"port": port, "timeout": timeout}

    def plan(self, number: int = 1) -> Plan:
        """Say what would be done; changes nothing."""
        wanted = Wanted(
            workspace=self._workspace.info.id,
            service=self._name,
            revision=number,
            image=self._image.info,
            lock=self._image.lock(),
            place=_places(self._workspace) / self._name / str(number) / "1",
            **self._options,
        )
        return self._target.plan(wanted)

    def carry_out(self, *, replace: bool, tags: dict[str, str], say: Callable[[str], None]) -> None:
        """Deploy, and end what it replaces once it is ready."""
        new = NewRevision(target=self._target_name, image=self._image.id, tags=tags, replace=replace)
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


def image_to_serve(  # noqa: PLR0913 - what `Service.deploy` was given
    workspace: Workspace,
    name: str,
    image: Image | str | None,
    models: Sequence[str],
    *,
    target: str,
    workers: int,
    dry_run: bool,
    say: Callable[[str], None],
) -> Image:
    """Find the image that is to be served, or make it of models, under the name of the service.

    Raises
    ------
    InvalidValueError
        If neither is given, or both are.
    """
    if (image is None) == (not models):
        raise InvalidValueError("image", "give an image, or models that are served without one of your own")
    if isinstance(image, Image):
        return image
    if image is not None:
        return Image(workspace, image)
    resources = ResourceConfig(cpu=workers, workers=workers)  # each worker keeps a CPU busy
    # processes need no base, and without one the image is quickly made
    inference = InferenceConfig(base_image=NONE if target == DEFAULT_TARGET else None)
    return Image.create(workspace, name, models, inference=inference, resources=resources, dry_run=dry_run, say=say)


def _places(workspace: Workspace) -> Path:
    """Say where on this machine a workspace's services keep their files."""
    if Path(workspace.location).is_dir():
        return Path(workspace.location) / "services"
    return workspace.settings.home / "services" / workspace.info.id
