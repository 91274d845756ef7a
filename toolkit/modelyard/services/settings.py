"""How a service is reached."""

from __future__ import annotations

from msgspec import Struct, field

from modelyard.errors import InvalidValueError
from modelyard.services.route import Limits, Sticky, Tls

MOST_REPLICAS = 64


class ServiceSettings(Struct, frozen=True, kw_only=True):
    """How a service is reached, the same for all its revisions; a change needs no new one.

    Parameters
    ----------
    replicas
        Running copies of a revision, 1 to 64.
    routed
        Whether the router stands before the revisions. Without it there is one replica of one revision, and the
        service's address is that of its server.
    port
        On loopback; 0 picks a free one, which the service keeps.
    timeout
        Seconds until a request is given up.
    ready_timeout
        Seconds until a replica must be ready.
    sticky
        Which requests go to one revision as long as the weights stay.
    retry
        Whether a request whose connection broke before an answer came, or whose replica is not ready, is sent again,
        to another one.
    auth
        Whether requests need a key.
    tls
        The files of a certificate and its key.
    access_log
        Whether each request is a line of the router's log.
    limits
        What the router takes.
    """

    replicas: int = 1
    routed: bool = True
    port: int = 0
    timeout: float = 60.0
    ready_timeout: float = 120.0
    sticky: Sticky | None = None
    retry: bool = True
    auth: bool = True
    tls: Tls | None = None
    access_log: bool = True
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        _check("replicas", self.replicas, 1, MOST_REPLICAS)
        _check("port", self.port, 0, 65535)
        _check("timeout", self.timeout, 0.001, 3600)
        _check("ready_timeout", self.ready_timeout, 0.1, 3600)
        needs_router = {"replicas": self.replicas > 1, "sticky": self.sticky, "tls": self.tls, "auth": not self.auth}
        if not self.routed and (asked := [name for name, value in needs_router.items() if value]):
            raise InvalidValueError(", ".join(asked), "only with the router before the service (routed)")


def _check(what: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # so not a number is refused too
        raise InvalidValueError(f"{what} {value!r}", f"allowed are {least:g} to {most:g}")
