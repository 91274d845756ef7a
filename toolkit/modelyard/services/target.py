"""The protocol that a place for services speaks, and how the installed ones are found.

A place is an entry point of the group ``modelyard.targets``: a class that is made with the settings.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from modelyard.environments.lock import Lock
from modelyard.images.image import ImageVersion
from modelyard.services.errors import UnknownTargetError
from modelyard.services.service import Placed
from modelyard.settings import Settings

GROUP = "modelyard.targets"

Say = Callable[[str], None]
"""Takes a line that says what is being done."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to run.

    Parameters
    ----------
    workspace
        The id of the workspace that has the service.
    image
        The image, such as ``digits:3``, with its sealed specification.
    lock
        Its environment on this machine's platform.
    replica
        Which copy of the revision, counted from 1.
    place
        A folder on this machine that belongs to this copy alone: ``SERVICE/REVISION/REPLICA`` below those of the
        workspace's services.
    keys
        The file of the keys that its server is to ask for; None has it make two of its own.
    port
        On loopback; 0 picks a free one.
    timeout
        Seconds until it must be ready.
    """

    workspace: str
    service: str
    revision: int
    replica: int = 1
    image: ImageVersion
    lock: Lock
    place: Path
    keys: Path | None = None
    port: int = 0
    timeout: float = 120.0


class Step(Struct, frozen=True, kw_only=True):
    """One thing that a plan does."""

    verb: str
    subject: str


class Plan(Struct, frozen=True, kw_only=True):
    """What would be done, in order: a value that can be printed and compared.

    Parameters
    ----------
    place
        Where the replica will be: enough for `ServiceTarget.remove` to clear what a cut `apply` has left.
    """

    wanted: Wanted
    steps: tuple[Step, ...]
    place: Placed


class Observed(Struct, frozen=True, kw_only=True):
    """What a place says of a replica: it answers, it runs and does not answer, or it is not there.

    ``unknown`` is one whose place does not say, such as an engine that does not answer: it may run all the same.
    """

    state: Literal["running", "unready", "stopped", "elsewhere", "unknown"]
    detail: str = ""


class Content(Protocol):
    """What is served, for a place to put where it needs it."""

    def write(self, folder: Path) -> None:
        """Write the model folder (docs/reference/model-folder.md) at `folder`."""

    def server(self, cache: Path) -> Path:
        """Return a folder for ``PYTHONPATH`` that holds the scoring server of the image, and nothing else."""

    def packages(self, folder: Path) -> bool:
        """Put the packages into `folder` that came along with an image made elsewhere; say whether there are any."""

    def archive(self, file: Path, platform: str) -> str:
        """Write the OCI image for a platform, such as ``linux/amd64``, as `file`, which engines load; return its id."""

    def base(self, file: Path, platform: str) -> str:
        """Write the base of that image as `file` and return its id; empty where the image has none."""


class ServiceTarget(Protocol):
    """A place where services run."""

    def plan(self, wanted: Wanted) -> Plan:
        """Say what `apply` would do; changes nothing."""

    def apply(self, plan: Plan, content: Content, say: Say) -> Placed:
        """Carry out a plan, and return when the replica is ready.

        Raises
        ------
        DeploymentFailedError
            If it does not become ready; nothing of it is left.
        """

    def observe(self, placed: Placed) -> Observed:
        """Look at a replica: cheap enough for every second, from any thread; a place that fails gives ``unknown``."""

    def logs(self, placed: Placed, lines: int) -> str:
        """Return the last lines that a replica wrote."""

    def remove(self, placed: Placed) -> None:
        """End a replica and remove what it had; does nothing if it is gone."""


def installed() -> tuple[str, ...]:
    """Name the installed targets."""
    return tuple(sorted(point.name for point in entry_points(group=GROUP)))


def find_target(name: str, settings: Settings) -> ServiceTarget:
    """Make the installed target of that name.

    Raises
    ------
    UnknownTargetError
        If there is none.
    """
    for point in entry_points(group=GROUP, name=name):
        target: ServiceTarget = point.load()(settings)
        return target
    raise UnknownTargetError(name, installed())
