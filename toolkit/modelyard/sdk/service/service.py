"""The service that a user holds: an address that answers, and the revisions behind it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Self

from modelyard.paging import every
from modelyard.sdk.author import author
from modelyard.sdk.image.image import Image
from modelyard.sdk.runner import attendance, ensure_runner
from modelyard.sdk.service.deployment import DEFAULT_TARGET, image_to_serve, merged
from modelyard.sdk.service.rollouts import ALL_AT_ONCE, ServiceRollouts
from modelyard.sdk.service.waiting import Say, silent, until, until_ended
from modelyard.sdk.workspace import Workspace
from modelyard.services.policy import Policy
from modelyard.services.rollout import NewRollout
from modelyard.services.service import ServiceInfo, ServiceQuery, ServiceWish, Wanted
from modelyard.services.settings import ServiceSettings
from modelyard.services.target import find_target


class Service(ServiceRollouts):
    """A deployed service; `Service(workspace, name)` finds one, `Service.deploy` makes one.

    What a method asks for, the workspace's runner brings about, also when the process that asked has ended.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """

    @classmethod
    def deploy(  # noqa: PLR0913 - what a deployment is made of, all by keyword
        cls,
        workspace: Workspace,
        name: str,
        image: Image | str | None = None,
        *,
        models: Sequence[str] = (),
        target: str = DEFAULT_TARGET,
        workers: int = 1,
        replicas: int | None = None,
        port: int | None = None,
        timeout: float | None = None,
        settings: ServiceSettings | None = None,
        policy: Policy = ALL_AT_ONCE,
        tags: Mapping[str, str] | None = None,
        why: str = "",
        queue: bool = False,
        wait: bool = True,
        say: Say = silent,
    ) -> Self:
        """Have a service answer by an image, and return when that is so.

        A service that exists gets a new revision, which comes into traffic as the policy says; if it serves that image
        on that target already, nothing is started.

        Parameters
        ----------
        image
            ``NAME``, ``NAME:VERSION`` or an `Image`.
        models
            ONNX models to serve without an image of your own, each ``NAME``, ``NAME:VERSION`` or ``NAME@ALIAS``: the
            image is made on the way, under the name of the service.
        workers
            Processes that serve, 1 and above, in the image that is made of `models`.
        replicas, port, timeout
            Of the settings, to change only these: running copies, port on loopback (0 picks a free one), and seconds
            until a replica must be ready.
        settings
            How the service is reached; by default as it was, or as `ServiceSettings` says.
        policy
            How the revision comes into traffic; the first one has nothing to be compared with and gets all of it.
        why
            For the ledger.
        queue
            Wait for a rollout that is under way, in place of being refused.
        wait
            Return only when the rollout has ended.
        say
            Takes lines that say what is being done.

        Raises
        ------
        RolloutUnderWayError
            If another rollout is under way, and `queue` is not set.
        NotServableError
            If a model holds no ONNX file.
        DeploymentFailedError
            If it does not become ready, or does not prove itself: with the phase, the traceback and a hint. Nothing of
            it is left, and what served before serves on.
        """
        find_target(target, workspace.settings)
        found = image_to_serve(workspace, name, image, models, target=target, workers=workers, dry_run=False, say=say)
        new = NewRollout(
            image=found.id,
            target=target,
            policy=policy,
            settings=merged(workspace, name, settings, replicas=replicas, port=port, ready_timeout=timeout),
            tags=None if tags is None else dict(tags),
            queue=queue,
            machine=_machine(workspace),
            by=author(),
            why=why,
        )
        begun = workspace.backend.services.deploy(name, new)
        ensure_runner(workspace)
        if wait and begun.rollout is not None:
            until_ended(workspace, name, begun.rollout, say)
        return cls(workspace, name)

    @classmethod
    def list(
        cls,
        workspace: Workspace,
        model: str | None = None,
        target: str | None = None,
        image: str | None = None,
        tag: str | None = None,
    ) -> list[Self]:
        """List the workspace's services by name.

        Parameters
        ----------
        model, image
            Only those that serve it: ``NAME`` or ``NAME:VERSION``.
        tag
            Only those that have it: ``KEY`` or ``KEY=VALUE``.
        """
        query = ServiceQuery(model=model, target=target, image=image, tag=tag)
        return [cls._of(workspace, info) for info in every(workspace.backend.services.list, query)]

    @property
    def state(self) -> str:
        """What it is now: a state of `ServiceInfo`, or ``unattended`` where no runner sees to it that it runs."""
        info = self.refresh().info
        looking = attendance(self.workspace)
        is_here = info.standing.machine == _machine(self.workspace)
        is_due = info.wanted == "running" and info.state != "failed"
        if is_due and looking is not None and is_here and looking.find() is None:
            return "unattended"
        return info.state

    def stop(self, why: str = "") -> None:
        """End what runs of it, and keep it; `start` has it run again."""
        self._wish("stopped", why)
        until(
            self.workspace,
            self.name,
            f"the end of {self.name}",
            lambda info: info is None or (not info.standing.traffic and not info.revision.replicas),
        )

    def start(self, why: str = "") -> None:
        """Have a service that was stopped run again."""
        self._wish("running", why)
        until(
            self.workspace,
            self.name,
            f"the start of {self.name}",
            lambda info: info is None or info.standing.serving is None or bool(info.standing.traffic),
        )

    def delete(self, why: str = "") -> None:
        """End it, and remove all that it had; the ledger keeps what happened."""
        self._wish("deleted", why)
        until(self.workspace, self.name, f"the end of {self.name}", lambda info: info is None)

    @classmethod
    def _of(cls, workspace: Workspace, info: ServiceInfo) -> Self:
        service = cls.__new__(cls)
        service.workspace, service.name, service.info = workspace, info.name, info
        return service

    def _wish(self, wanted: Wanted, why: str) -> None:
        self.workspace.backend.services.wish(self.name, ServiceWish(wanted=wanted, by=author(), why=why))
        ensure_runner(self.workspace)


def _machine(workspace: Workspace) -> str:
    """Name this machine where services of an embedded workspace run; of a served one, those run where runners are."""
    return platform.node() if attendance(workspace) is not None else ""
