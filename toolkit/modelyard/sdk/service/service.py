"""The service that a user holds: an address that answers, and the revisions behind it."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.ledger.entry import LedgerEntry
from modelyard.models.signature import Sample
from modelyard.names import VersionRef
from modelyard.paging import every
from modelyard.sdk.author import author
from modelyard.sdk.image.image import Image
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.runner import attendance, ensure_runner
from modelyard.sdk.service.deployment import DEFAULT_TARGET, image_to_serve, merged
from modelyard.sdk.service.history import Served, history, service_at
from modelyard.sdk.service.keys import exchange, read_keys
from modelyard.sdk.service.logs import follow, read_logs
from modelyard.sdk.service.places import service_folder
from modelyard.sdk.service.recent import RecentService, read_recent
from modelyard.sdk.service.scoring import score, until_taken
from modelyard.sdk.service.waiting import until, until_ended
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import NotHereError
from modelyard.services.policy import Policy
from modelyard.services.rollout import NewRollout, Rollout, RolloutAsk
from modelyard.services.service import Revision, ServiceChange, ServiceInfo, ServiceQuery, ServiceWish, Wanted
from modelyard.services.settings import ServiceSettings
from modelyard.services.target import find_target

Say = Callable[[str], None]
_ALL_AT_ONCE = Policy.all_at_once()


def _silent(_: str) -> None:
    return


class Service:
    """A deployed service; `Service(workspace, name)` finds one, `Service.deploy` makes one.

    What a method asks for, the workspace's runner brings about, also when the process that asked has ended.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.info: ServiceInfo = workspace.backend.services.get(name)

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
        policy: Policy = _ALL_AT_ONCE,
        tags: Mapping[str, str] | None = None,
        why: str = "",
        queue: bool = False,
        wait: bool = True,
        say: Say = _silent,
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
    def revision(self) -> Revision:
        """The revision that serves; before there is one, the newest."""
        return self.info.revision

    @property
    def image(self) -> str:
        """The image that serves, ``NAME:VERSION``."""
        return self.revision.image

    @property
    def models(self) -> tuple[str, ...]:
        """What it serves, each ``NAME:VERSION``."""
        return self.revision.models

    @property
    def rollout(self) -> Rollout | None:
        """The rollout that is under way, else the last."""
        return self.info.rollout

    @property
    def url(self) -> str:
        """The address of the service; `scoring_uri` is below it."""
        if not self.info.standing.url:
            raise NotFoundError("address of the service", self.name)
        return self.info.standing.url

    @property
    def scoring_uri(self) -> str:
        """Where to ``POST`` requests."""
        return f"{self.url}/score"

    @property
    def swagger_uri(self) -> str:
        """Where the service describes itself."""
        return f"{self.url}/swagger.json"

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

    def refresh(self) -> Self:
        """Read it anew."""
        self.info = self.workspace.backend.services.get(self.name)
        return self

    def get_keys(self) -> tuple[str, str]:
        """Return the primary and the secondary key; both are valid.

        Raises
        ------
        NotHereError
            If the workspace is served, and the service runs elsewhere: keys are kept only where it runs.
        """
        self._check_here("keys")
        keys = read_keys(self._folder)
        return keys.primary, keys.secondary

    def regenerate_key(self, which: Literal["primary", "secondary"]) -> str:
        """Put a new key in the place of one, and return it when it is valid and the old one is not.

        Raises
        ------
        NotHereError
            If the workspace is served, and the service runs elsewhere.
        InvalidValueError
            If the service has no router, which could take the new key without a restart.
        """
        self._check_here("keys")
        if not self.info.settings.routed:
            raise InvalidValueError(f"service {self.name!r}", "without the router its keys are those of the revision")
        key: str = getattr(exchange(self._folder, which), which)
        ensure_runner(self.workspace)
        until_taken(self.url, key, self._certificate)
        return key

    def run(
        self, input_data: Any, *, model: str | None = None, revision: int | None = None, timeout: float = 60.0
    ) -> Any:
        """Score: send `input_data` and return the answer.

        Parameters
        ----------
        input_data
            Rows (a list, an array, a data frame), or a request as a dict, which may hold arrays, or as JSON text.
        model
            The name of the model, if the service serves several.
        revision
            Which revision is to answer; by default the weights decide.

        Raises
        ------
        UnreachableError
            If the service does not answer.
        InvalidValueError
            If it refuses the request; the text says which row and column.
        ServerFailureError
            If it fails.
        """
        settings = self.info.settings
        return score(
            self.url + (f"/score/{model}" if model else "/score"),
            input_data,
            service=self.name,
            key=self.get_keys()[0] if settings.auth else None,
            headers={} if revision is None else {"x-modelyard-revision": str(revision)},
            certificate=self._certificate,
            timeout=timeout,
        )

    def sample(self, model: str | None = None) -> Any:
        """Return the request that was recorded when the model was registered.

        Parameters
        ----------
        model
            The name of the model, if the service serves several.

        Raises
        ------
        NotFoundError
            If there is no such model, or no sample was recorded with it.
        """
        backend = self.workspace.backend
        names = {VersionRef.parse(text).name: text for text in self.models}
        reference = names.get(model or next(iter(names)))
        if reference is None:
            raise NotFoundError("model of the service", str(model), list(names))
        if (digest := backend.models.get(reference).sample) is None:
            raise NotFoundError("sample of the model", reference)
        return msgspec.json.decode(backend.blobs.read(digest), type=Sample).request

    def get_logs(self, num_lines: int = 5000, revision: int | None = None) -> str:
        """Return the last lines that the replicas of a revision wrote, by default of the one that serves."""
        return read_logs(self.workspace, self.name, revision, num_lines)

    def follow_logs(self, num_lines: int = 100, revision: int | None = None) -> Iterator[str]:
        """Give the lines that a revision's replicas wrote, and then those they write, until nobody asks for more."""
        return follow(self.workspace, self.name, revision, num_lines)

    def revisions(self) -> tuple[Revision, ...]:
        """List every revision, the newest first."""
        return self.workspace.backend.services.revisions(self.name).items

    def rollouts(self) -> tuple[Rollout, ...]:
        """List every rollout, the newest first."""
        return self.workspace.backend.services.rollouts(self.name).items

    def recent(self) -> RecentService | None:
        """Say what it answered in the last minute, by revision; None if that is not known on this machine."""
        return read_recent(self._folder)

    def history(self) -> Iterator[LedgerEntry]:
        """Go through what happened to it, the newest first."""
        return history(self.workspace, self.name)

    def at(self, moment: dt.datetime) -> tuple[Served, ...]:
        """Say which revisions answered at a moment, the larger share first; empty if none did."""
        return service_at(self.workspace, self.name, moment)

    def update(self, *, tags: Mapping[str, str] | None = None, why: str = "", **settings: Any) -> Self:
        """Change tags, or settings by their names in `ServiceSettings`, without a new revision.

        Raises
        ------
        InvalidValueError
            If there is no such setting, or its value is not allowed.
        """
        if unknown := settings.keys() - set(ServiceSettings.__struct_fields__):
            raise InvalidValueError(
                f"setting {min(unknown)!r}", f"there are {', '.join(ServiceSettings.__struct_fields__)}"
            )
        change = ServiceChange(
            settings=merged(self.workspace, self.name, None, **settings),
            tags=None if tags is None else dict(tags),
            by=author(),
            why=why,
        )
        self.workspace.backend.services.change(self.name, change)
        ensure_runner(self.workspace)
        return self.refresh()

    def rollback(
        self,
        revision: int | None = None,
        *,
        policy: Policy = _ALL_AT_ONCE,
        why: str = "",
        wait: bool = True,
        say: Say = _silent,
    ) -> Self:
        """Have a revision serve again, by default the one that served before.

        Raises
        ------
        NotFoundError
            If there is no such revision, none served before, or its image was deleted.
        RolloutUnderWayError
            If a rollout is under way; `abort` ends it.
        """
        number = self._before() if revision is None else revision
        new = NewRollout(revision=number, policy=policy, by=author(), why=why)
        begun = self.workspace.backend.services.deploy(self.name, new)
        ensure_runner(self.workspace)
        if wait and begun.rollout is not None:
            until_ended(self.workspace, self.name, begun.rollout, say)
        return self.refresh()

    def promote(self, why: str = "") -> Self:
        """Have the rollout that is under way go on at once: by hand to its next stage, else to its end."""
        return self._ask("promote", why)

    def abort(self, why: str = "") -> Self:
        """Have the rollout that is under way return to the revision before."""
        return self._ask("abort", why)

    def wait(self, timeout: float | None = None, say: Say = _silent) -> Self:
        """Wait until the rollout that is under way has ended; returns at once if none is.

        Raises
        ------
        DeploymentFailedError
            If it was returned or aborted.
        WaitTimeoutError
            If it has not ended after `timeout` seconds; it goes on.
        """
        rollout = self.refresh().rollout
        if rollout is not None and not rollout.is_ended:
            until_ended(self.workspace, self.name, rollout.number, say, timeout)
        return self.refresh()

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

    def __repr__(self) -> str:
        return f"Service({self.name!r}, {', '.join(self.models)})"

    @classmethod
    def _of(cls, workspace: Workspace, info: ServiceInfo) -> Self:
        service = cls.__new__(cls)
        service.workspace, service.name, service.info = workspace, info.name, info
        return service

    @property
    def _certificate(self) -> str | None:
        return self.info.settings.tls.certificate if self.info.settings.tls else None

    @property
    def _folder(self) -> Path:
        return service_folder(self.workspace, self.name)

    def _check_here(self, what: str) -> None:
        if is_served(self.workspace) and not self._folder.is_dir():
            raise NotHereError(what, self.name, self.info.standing.machine)

    def _before(self) -> int:
        """Find the revision that served before the one that serves."""
        promoted = [one for one in self.rollouts() if one.state == "promoted"]
        found = next((one.base for one in promoted if one.revision == self.refresh().info.standing.serving), None)
        if found is None:
            raise NotFoundError("revision that served before", self.name)
        return found

    def _ask(self, wanted: Literal["promote", "abort"], why: str) -> Self:
        self.workspace.backend.services.ask(self.name, RolloutAsk(wanted=wanted, by=author(), why=why))
        ensure_runner(self.workspace)
        return self.refresh()

    def _wish(self, wanted: Wanted, why: str) -> None:
        self.workspace.backend.services.wish(self.name, ServiceWish(wanted=wanted, by=author(), why=why))
        ensure_runner(self.workspace)


def _machine(workspace: Workspace) -> str:
    """Name this machine where services of an embedded workspace run; of a served one, those run where runners are."""
    return platform.node() if attendance(workspace) is not None else ""
