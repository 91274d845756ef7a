"""Envoy's own page, at a socket that only its owner reaches: what it has taken, what it counts, what it is told."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct

from modelyard_deploy.router.errors import RouterFolderError, RouterStoppedError
from modelyard_deploy.router.naming import ADMIN_SOCKET

_TIMEOUT = 10.0
_OPENED = Path("/proc/self/fd")
"""Where an opened folder has a short path: that of a socket has at most some hundred characters."""
_LONGEST = 100


class Bucket(Struct, frozen=True, kw_only=True):
    """How often values were seen that are `lower_bound` or more, and less than `width` above it."""

    lower_bound: float
    width: float
    count: int


class _Histogram(Struct, frozen=True):
    name: str
    totals: tuple[Bucket, ...] = ()


class _Details(Struct, frozen=True):
    details: tuple[_Histogram, ...] = ()


class _Part(Struct, frozen=True):
    histograms: _Details = _Details()


class _Read(Struct, frozen=True):
    stats: tuple[_Part, ...] = ()


class Admin:
    """Asks the Envoy of a folder."""

    def __init__(self, folder: Path) -> None:
        """Find the socket of a folder.

        Raises
        ------
        RouterStoppedError
            If there is no such folder.
        RouterFolderError
            If its path is too long for a socket, on a system that knows no way around that.
        """
        self._folder = folder
        try:
            self._opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            raise RouterStoppedError(str(folder)) from None
        self._socket = str((_OPENED / str(self._opened) if _OPENED.exists() else folder) / ADMIN_SOCKET)
        if len(os.fsencode(self._socket)) > _LONGEST:
            os.close(self._opened)
            raise RouterFolderError(str(folder), "its path is too long for a socket; choose a shorter MODELYARD_HOME.")
        transport = httpx.HTTPTransport(uds=self._socket, verify=False)  # no TLS; its certificates take 50 ms to read
        self._client = httpx.Client(transport=transport, base_url="http://router", timeout=_TIMEOUT, trust_env=False)

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()
        os.close(self._opened)

    def live(self) -> bool:
        """Say whether it answers, and has all that it needs to serve."""
        with socket.socket(socket.AF_UNIX) as probe:  # httpx would leave one open that nobody answers
            if probe.connect_ex(self._socket):
                return False
        try:
            return self._ask("GET", "/ready").is_success
        except RouterStoppedError:  # killed in this moment
            return False

    def numbers(self, *names: str) -> dict[str, str]:
        """Read what it counts, and the versions that it has taken, under names that begin so."""
        text = self._ask("GET", "/stats", {"filter": _beginning(names)}).text
        split = [line.partition(": ") for line in text.splitlines()]
        return {name: value.strip('"') for name, _, value in split}

    def buckets(self, name: str) -> tuple[Bucket, ...]:
        """Read which values a histogram has seen."""
        self._histograms(name)  # has what the workers have seen summed up, for who asks next
        details = [one for part in self._histograms(name).stats for one in part.histograms.details]
        return next((one.totals for one in details if one.name == name), ())

    def page(self) -> str:
        """Read all that it counts, as Prometheus takes it."""
        return self._ask("GET", "/stats/prometheus", {"usedonly": ""}).text

    def tell(self, what: str) -> None:
        """Have it do something."""
        self._ask("POST", what)

    def _histograms(self, name: str) -> _Read:
        asked = {"filter": _beginning([name]), "format": "json", "histogram_buckets": "detailed"}
        return msgspec.json.decode(self._ask("GET", "/stats", asked).content, type=_Read)

    def _ask(self, method: str, path: str, parameters: Mapping[str, str] | None = None) -> httpx.Response:
        try:
            return self._client.request(method, path, params=parameters)
        except httpx.TransportError:
            raise RouterStoppedError(str(self._folder)) from None


def _beginning(names: Sequence[str]) -> str:
    return "^(" + "|".join(re.escape(name) for name in names) + ")"
