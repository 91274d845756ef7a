"""What the router is to do for a service: made of the rows, compared with what it does, applied and confirmed."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from modelyard.errors import ModelyardError
from modelyard.sdk.service.held import Held
from modelyard.sdk.service.installed import Machine
from modelyard.sdk.service.keys import client_keys, server_keys
from modelyard.services.route import Copies, Replica, Route, Upstream
from modelyard.services.router import ServiceRouter
from modelyard.services.service import ReplicaInfo
from modelyard.services.statistics import Statistics

_PORTS = 5
"""Attempts to listen at a free port, which another may take meanwhile."""


class Traffic:
    """The way of requests to one service; without a router there is only the address to write down."""

    def __init__(self, held: Held, machine: Machine) -> None:
        self._held = held
        self._machine = machine

    @property
    def router(self) -> ServiceRouter:
        """The router of this machine.

        Raises
        ------
        MissingExtraError
            If none is installed.
        """
        return self._machine.router

    @property
    def is_routed(self) -> bool:
        """Whether the router stands before the service."""
        return self._held.info.settings.routed

    def apply(self, weights: Mapping[int, int], copies: Copies | None = None) -> str:
        """Share the requests out, and return the service's address when that holds for every request that comes.

        Raises
        ------
        ModelyardError
            If the router cannot; the service goes on as it was.
        """
        if not self.is_routed:
            (number,) = weights
            return self._held.look.revision(number).ready[-1].placed.url
        wanted = self._port()
        for left in range(_PORTS, 0, -1):
            route = self._route(weights, wanted or _free_port(), copies)
            self._held.lease.check()
            try:
                self.router.apply(route)
            except ModelyardError as error:
                if error.code != "port-taken" or wanted or left == 1:
                    raise
                continue
            return f"{'https' if route.tls else 'http'}://{route.host}:{route.port}"
        raise AssertionError("the last attempt returns or raises")

    def restore(self, copies: Copies | None = None, *, anew: bool = False) -> None:
        """Have the router do what the rows say, if it does something else or does not run, and write down the address.

        Parameters
        ----------
        anew
            Also if it does that already: a file that it has read is another one now.
        """
        held, standing = self._held, self._held.standing
        weights = standing.traffic or ({} if standing.serving is None else {standing.serving: 100})
        if not weights or not all(held.look.revision(number).ready for number in weights):
            return
        url = standing.url
        if self.is_routed:
            self.router.ensure()
        if anew or not self.is_routed or self._route(weights, self._port(), copies) not in self.router.routes():
            url = self.apply(weights, copies)
        if (url, weights) != (standing.url, standing.traffic):
            told = (
                [held.entry("shift", {"from": standing.traffic, "to": weights})] if weights != standing.traffic else []
            )
            held.advance(standing=held.stand(url=url, traffic=weights), entries=told)

    def remove(self) -> None:
        """Stop listening for the service."""
        if self.is_routed:
            self._held.lease.check()
            self.router.remove(self._held.route)

    def statistics(self) -> Statistics:
        """Read what the router has counted of each revision."""
        return self.router.statistics(self._held.route)

    def upstream(self, number: int, weight: int = 0) -> Upstream:
        """Say where the ready replicas of a revision are, and what keys they ask for."""
        replicas = tuple(map(address, self._held.look.revision(number).ready))
        keys = str(server_keys(self._held.folder, routed=True))
        return Upstream(revision=number, replicas=replicas, weight=weight, keys=keys)

    def _route(self, weights: Mapping[int, int], port: int, copies: Copies | None) -> Route:
        held, settings = self._held, self._held.info.settings
        numbers = {*weights, *([held.rollout.revision] if held.rollout is not None else [])}
        there = (number for number in sorted(numbers) if held.look.revision(number).ready)
        return Route(
            service=held.route,
            port=port,
            upstreams=tuple(self.upstream(number, weights.get(number, 0)) for number in there),
            sticky=settings.sticky,
            timeout=settings.timeout,
            retry=settings.retry,
            keys=str(client_keys(held.folder)) if settings.auth else None,
            tls=settings.tls,
            access_log=settings.access_log,
            limits=settings.limits,
            mirror=copies,
        )

    def _port(self) -> int:
        """Give the port that the service asks for, else the one that it has had; 0 if there is none."""
        return self._held.info.settings.port or urlsplit(self._held.standing.url).port or 0


def address(replica: ReplicaInfo) -> Replica:
    """Say where a replica listens."""
    parts = urlsplit(replica.placed.url)
    return Replica(host=parts.hostname or "127.0.0.1", port=parts.port or 80)


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])
