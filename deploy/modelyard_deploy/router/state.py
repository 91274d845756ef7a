"""What Envoy was last confirmed to do: one file, from which every document can be written anew."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from modelyard.services.route import Route
from modelyard.settings import Secret
from modelyard_deploy.router.certificates import certificate, check_pair
from modelyard_deploy.router.clusters import clusters, copies_cluster
from modelyard_deploy.router.document import Json, document
from modelyard_deploy.router.errors import PortTakenError
from modelyard_deploy.router.keys import keys, read_keys
from modelyard_deploy.router.listeners import listener
from modelyard_deploy.router.naming import CERTIFICATES, KEYS, ROUTES
from modelyard_deploy.router.routes import routes

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened at


class Entry(Struct, frozen=True, kw_only=True):
    """A route with the keys that its files held when it was applied.

    `asked` are those of revisions, `copied` that of who gets copies.
    """

    route: Route
    presented: tuple[Secret, ...] = ()
    asked: dict[int, Secret] = {}
    copied: Secret | None = None

    def clusters(self) -> dict[int, Json]:
        """Make the service's clusters, by revision."""
        return clusters(self.route, self.asked)

    def copies(self) -> Json | None:
        """Make the cluster of who gets copies, if anybody does."""
        mirror = self.route.mirror
        return None if mirror is None else copies_cluster(self.route.service, mirror, self.copied)

    def cluster_names(self) -> dict[int, str]:
        """Name the service's clusters, by revision."""
        return {revision: cluster["name"] for revision, cluster in self.clusters().items()}

    def documents(self) -> dict[str, bytes]:
        """Write the documents that are the service's own, by the names of their files."""
        name, copies = self.route.service, self.copies()
        made = {ROUTES: routes(self.route, self.cluster_names(), copies["name"] if copies else None)}
        if self.presented:
            made[KEYS] = keys(name, self.presented)
        if self.route.tls is not None:
            made[CERTIFICATES] = certificate(name, self.route.tls)
        return {file: document([resource]) for file, resource in made.items()}


class State(Struct, frozen=True, kw_only=True):
    """All services, by name."""

    services: dict[str, Entry] = {}

    def with_entry(self, entry: Entry) -> State:
        """Give the state in which a service is as `entry` says.

        Raises
        ------
        PortTakenError
            If another service of this router has the port.
        """
        for other in self.services.values():
            if other.route.service != entry.route.service and _overlap(other.route, entry.route):
                where = f"{entry.route.host}:{entry.route.port}"
                raise PortTakenError(entry.route.service, where, f"the service {other.route.service}")
        return State(services={**self.services, entry.route.service: entry})

    def without(self, service: str) -> State:
        """Give the state without a service."""
        return State(services={name: entry for name, entry in self.services.items() if name != service})

    def clusters(self) -> dict[str, Json]:
        """Make all clusters, by name."""
        made = [[*entry.clusters().values(), entry.copies()] for entry in self.services.values()]
        return {cluster["name"]: cluster for some in made for cluster in some if cluster is not None}

    def timeouts(self, *, asked_for_alone: bool = True) -> dict[str, float]:
        """Name the clusters of revisions, and the seconds that their requests may take.

        Parameters
        ----------
        asked_for_alone
            Whether those are among them that get no requests but those that ask for them.
        """
        return {
            entry.cluster_names()[upstream.revision]: entry.route.timeout
            for entry in self.services.values()
            for upstream in entry.route.upstreams
            if asked_for_alone or upstream.weight
        }

    def listeners(self) -> bytes:
        """Write the document of all listeners."""
        return document([listener(entry.route) for entry in self.services.values()])


def admit(route: Route) -> Entry:
    """Read the files that a route names.

    Raises
    ------
    RouterFileError
        If one of them cannot be used.
    """
    if route.tls is not None:
        check_pair(route.tls)
    asked = {one.revision: read_keys(one.keys)[0] for one in route.upstreams if one.keys is not None}
    copied = read_keys(route.mirror.keys)[0] if route.mirror and route.mirror.keys else None
    return Entry(route=route, presented=read_keys(route.keys) if route.keys else (), asked=asked, copied=copied)


def encode(state: State) -> bytes:
    """Write a state, keys and all."""
    return msgspec.json.encode(state, enc_hook=_shown)


def decode(written: bytes) -> State:
    """Read a state."""
    return msgspec.json.decode(written, type=State, dec_hook=_hidden)


def _overlap(one: Route, other: Route) -> bool:
    same = one.host == other.host or bool({one.host, other.host} & _EVERYWHERE)
    return same and one.port == other.port


def _shown(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else _unknown(value)


def _hidden(kind: type, value: Any) -> Secret:
    return Secret(value) if kind is Secret else _unknown(value)


def _unknown(value: object) -> NoReturn:
    raise NotImplementedError(type(value))
