"""What the router is to do for a service: values, checked where they are made."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Literal, NoReturn

from msgspec import Struct, field

from modelyard.errors import InvalidValueError
from modelyard.names import check_name

_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_COOKIE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LARGEST = 2**32 - 1


class Replica(Struct, frozen=True, kw_only=True):
    """Where one running copy of a revision listens; `host` is an IP address."""

    host: str = "127.0.0.1"
    port: int

    def __post_init__(self) -> None:
        _check_address("replica", self.host, self.port)


class Upstream(Struct, frozen=True, kw_only=True):
    """A revision and its part of the traffic.

    Parameters
    ----------
    revision
        Its number, 1 and above.
    weight
        Its share of the answers, beside the weights of the others; with 0 it answers those who ask for it by name.
    keys
        The file of the keys that its replicas ask for, as the scoring server has it; the router presents the first.
    """

    revision: int
    replicas: tuple[Replica, ...]
    weight: int = 0
    keys: str | None = None

    def __post_init__(self) -> None:
        _check("revision", self.revision, 1, _LARGEST)
        _check(f"weight of revision {self.revision}", self.weight, 0, 1_000_000)
        if not self.replicas or len(set(self.replicas)) != len(self.replicas):
            _refuse(f"The replicas of revision {self.revision}", "there must be one or more, and none twice")
        _check_file("keys", self.keys)


class Copies(Struct, frozen=True, kw_only=True):
    """Copies of requests, for an address that is no revision; what it answers, nobody sees.

    Parameters
    ----------
    percent
        How many of the service's requests are copied, above 0 and up to 100; those for a revision by name are not.
    to
        Who gets them; nobody waits for it, and it may be gone.
    keys
        The file of the keys that it asks for, as in `Upstream`.
    """

    percent: float
    to: Replica
    keys: str | None = None

    def __post_init__(self) -> None:
        _check("percentage of copies", self.percent, 0.0001, 100)
        _check_file("keys", self.keys)


class Sticky(Struct, frozen=True, kw_only=True):
    """Which requests go to one revision as long as the weights stay.

    Those with the same value of a header, or of a cookie, which the client brings. As a weight grows from step to step
    and the sum of all weights stays, requests go over to the growing revision and none comes back.
    """

    by: Literal["header", "cookie"]
    name: str

    def __post_init__(self) -> None:
        if (_HEADER if self.by == "header" else _COOKIE).fullmatch(self.name) is None:
            _refuse(f"The {self.by} {self.name[:80]!r}", "a name has 1 to 64 letters, digits and '-'")


class Tls(Struct, frozen=True, kw_only=True):
    """The files, PEM, of a certificate with its chain and of its key; both in one folder, which is watched."""

    certificate: str
    key: str

    def __post_init__(self) -> None:
        _check_file("certificate", self.certificate)
        _check_file("key", self.key)
        if Path(self.certificate).parent != Path(self.key).parent:
            _refuse("The certificate and its key", "they must be in one folder, so that a renewal of both is seen")


class Limits(Struct, frozen=True, kw_only=True):
    """What the router takes; times are seconds.

    Parameters
    ----------
    body
        Bytes of a request's body; the scoring server's own limit is the same.
    active
        Requests under way at one revision.
    waiting
        Requests that wait for one of those to end; one more gets 503 and is told to try again.
    header_timeout
        Until all headers of a request are there.
    body_timeout
        Until all of a request is there.
    idle_timeout
        How long a connection without a request is kept.
    """

    body: int = 16 * 2**20
    active: int = 256
    waiting: int = 256
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    idle_timeout: float = 75.0

    def __post_init__(self) -> None:
        _check("largest body", self.body, 1, _LARGEST)
        _check("most active requests", self.active, 1, 1_000_000)
        _check("most waiting requests", self.waiting, 1, 1_000_000)
        for name in ("header_timeout", "body_timeout", "idle_timeout"):
            _check(name, getattr(self, name), 0.1, 3600)


class Route(Struct, frozen=True, kw_only=True):
    """A service before its revisions.

    Parameters
    ----------
    service
        A name that no other service of this router has.
    host, port
        Where the router listens for it; `host` is an IP address.
    mirror
        Who gets copies of requests.
    timeout
        Seconds until an answer is whole.
    retry
        Whether a request is sent once more, to another replica, when its connection ended before an answer began.
        Scoring changes nothing, so it may be; an application that changes something must not be asked twice. A request
        that has not left is sent again in either case.
    keys
        The file of the keys that clients present; None asks for none.
    access_log
        Whether each request is a line in the service's log.
    """

    service: str
    host: str = "127.0.0.1"
    port: int
    upstreams: tuple[Upstream, ...]
    mirror: Copies | None = None
    sticky: Sticky | None = None
    timeout: float = 60.0
    retry: bool = True
    keys: str | None = None
    tls: Tls | None = None
    access_log: bool = True
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        check_name("a service", self.service)
        _check_address(self.service, self.host, self.port)
        _check("timeout", self.timeout, 0.001, 3600)
        revisions = [upstream.revision for upstream in self.upstreams]
        if len(set(revisions)) != len(revisions):
            _refuse(f"The revisions of {self.service}", "none may come twice")
        if not any(upstream.weight for upstream in self.upstreams):
            _refuse(f"The weights of {self.service}", "one revision at least must have a weight above 0")
        _check_file("keys", self.keys)


def _check(what: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # so not a number is refused too
        _refuse(f"The {what} {value!r}", f"allowed are {least:g} to {most:g}")


def _check_address(what: str, host: str, port: int) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        _refuse(f"The host {host[:80]!r} of {what}", "it must be an IP address, such as 127.0.0.1")
    _check(f"port of {what}", port, 1, 65535)


def _check_file(what: str, file: str | None) -> None:
    if file is not None and (not Path(file).is_absolute() or "\0" in file):
        _refuse(f"The file of the {what} {file[:200]!r}", "it must be an absolute path")


def _refuse(what: str, reason: str) -> NoReturn:
    raise InvalidValueError(what, reason)
