"""The order in which documents are exchanged: no request ever finds a route to a revision that is not there.

First come the revisions of before and after together, and Envoy waits until the new ones were asked whether they are
ready; then the routes; then the listeners; and when all of that holds, the revisions that nobody needs are left out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from modelyard_deploy.router.bootstrap import bootstrap
from modelyard_deploy.router.confirmation import (
    CLUSTER_DOCUMENT,
    LISTENER_DOCUMENT,
    Confirmation,
    key_document,
    route_document,
    taken,
    watched,
)
from modelyard_deploy.router.document import Json, document
from modelyard_deploy.router.envoy import BOOTSTRAP
from modelyard_deploy.router.errors import PortTakenError, RouterError, RouterSilentError
from modelyard_deploy.router.files import Files
from modelyard_deploy.router.naming import KEYS, ROUTES, SERVICES, service_folder
from modelyard_deploy.router.state import State

_SPREAD = 0.02
"""Seconds until what Envoy has taken holds for its next request; measured at most 0.009."""


def lay_out(files: Files, state: State) -> None:
    """Write all documents of a state, for an Envoy that does not run yet."""
    files.clear(SERVICES)
    files.swap(BOOTSTRAP, msgspec.json.encode(bootstrap()))
    files.swap(CLUSTER_DOCUMENT.file, _together(state.clusters()))
    files.swap(LISTENER_DOCUMENT.file, state.listeners())
    for name, entry in state.services.items():
        for file, content in entry.documents().items():
            files.swap(f"{service_folder(name)}/{file}", content)


class Change:
    """Brings a running Envoy from one state to another."""

    def __init__(self, files: Files, confirmation: Confirmation) -> None:
        self._files = files
        self._confirmation = confirmation

    def make(self, old: State, new: State, patience: float | None = None) -> None:
        """Bring Envoy from the confirmed state to another, which then is the confirmed one.

        Parameters
        ----------
        patience
            Seconds to wait for the end of requests; by default as long as their service allows.

        Raises
        ------
        RouterError
            If Envoy refuses; it is brought back.
        """
        try:
            self._bring(old, new)
            self._await_end(old, new, patience)
        except RouterError:
            with suppress(RouterError):
                self.settle(old)
            raise
        self._files.keep(new)
        self._leave_out(new)

    def settle(self, state: State) -> None:
        """Bring Envoy to the confirmed state, whatever another process had begun.

        Raises
        ------
        PortTakenError
            If a service cannot listen any more; all others do.
        RouterError
            If Envoy refuses something else.
        """
        deaf = self._bring(state, state)
        self._leave_out(state)
        if deaf is not None:
            raise deaf

    def _bring(self, old: State, new: State) -> PortTakenError | None:
        """Exchange the documents; give the error of a service that cannot listen, if that is not one that changes."""
        there = self._files.resources(CLUSTER_DOCUMENT.file) if self._confirmation.has(CLUSTER_DOCUMENT) else []
        known = {cluster["name"]: cluster for cluster in there}
        self._confirmation.put(CLUSTER_DOCUMENT, _together(known, old.clusters(), new.clusters()))
        before, after = old.services, new.services
        own = {name: entry.documents() for name, entry in after.items()}
        self._put_own(own, served=False)
        changed = {name for name in before.keys() | after.keys() if before.get(name) is not after.get(name)}
        deaf = self._put_listeners(new, changed)
        served = {name: documents for name, documents in own.items() if deaf is None or name != deaf.service}
        self._put_own(served, served=True)
        time.sleep(_SPREAD)
        return deaf

    def _put_listeners(self, new: State, changed: set[str]) -> PortTakenError | None:
        try:
            self._confirmation.put(LISTENER_DOCUMENT, new.listeners())
        except PortTakenError as error:
            if error.service in changed:
                raise
            return error
        return None

    def _put_own(self, own: Mapping[str, Mapping[str, bytes]], *, served: bool) -> None:
        """Exchange documents that are a service's own; those that no listener reads are laid out until it is served."""
        seen = self._confirmation.seen()
        for name, documents in own.items():
            known = {ROUTES: route_document(name), KEYS: key_document(name)}
            for file, content in documents.items():
                one = known.get(file)
                if one and not taken(seen, one, content) and (served or watched(seen, one)):
                    self._confirmation.put(one, content)
                else:
                    self._files.swap(f"{service_folder(name)}/{file}", content)

    def _leave_out(self, state: State) -> None:
        self._confirmation.put(CLUSTER_DOCUMENT, _together(state.clusters()))

    def _await_end(self, old: State, new: State, patience: float | None) -> None:
        """Wait for the requests at clusters that get no more of them."""
        kept, busy = new.timeouts(), new.timeouts(asked_for_alone=False)
        ended = {cluster: seconds for cluster, seconds in old.timeouts().items() if cluster not in kept}
        asked = old.timeouts(asked_for_alone=False)
        leaving = ended | {cluster: seconds for cluster, seconds in asked.items() if cluster not in busy}
        if not leaving:
            return
        names = [f"cluster.{cluster}.upstream_rq_{how}" for cluster in leaving for how in ("active", "pending_active")]

        def idle() -> bool:
            return not any(int(count) for count in self._confirmation.admin.numbers(*names).values())

        with suppress(RouterSilentError):
            self._confirmation.wait(idle, "end of requests", max(leaving.values()) if patience is None else patience)


def _together(*clusters: dict[str, Json]) -> bytes:
    """Write clusters, the last of one name, in one order whoever comes first."""
    joined = {name: cluster for some in clusters for name, cluster in some.items()}
    return document([joined[name] for name in sorted(joined)])
