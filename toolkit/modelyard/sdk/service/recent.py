"""What a service did in the last minute, kept in a file of its folder for those who ask."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.sdk.service.held import Held
from modelyard.sdk.service.traffic import Traffic
from modelyard.services.statistics import Statistics

FILE = "recent.json"
_SPAN = 60.0
_EVERY = 5.0


class RecentRevision(Struct, frozen=True, kw_only=True):
    """What a revision answered.

    Parameters
    ----------
    rate
        Answers a second.
    failed
        The share of them that were failures of the service's (5xx), 0 to 1.
    p50, p99
        Seconds within which that share of the answers came; None without answers.
    """

    rate: float
    failed: float
    p50: float | None
    p99: float | None


class RecentService(Struct, frozen=True, kw_only=True):
    """What a service answered in the last `seconds`, up to a minute, by revision."""

    seconds: float
    revisions: dict[int, RecentRevision]


class Recent:
    """Reads the router's counts, and keeps a minute of them."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, Statistics]] = deque()

    def note(self, held: Held, traffic: Traffic) -> None:
        """Take a reading, if it is time, and write down what came since that of a minute ago."""
        now = time.monotonic()
        if not traffic.is_routed or not held.standing.traffic:
            return
        if self._readings and now < self._readings[-1][0] + _EVERY:
            return
        self._readings.append((now, traffic.statistics()))
        while self._readings[0][0] < now - _SPAN - _EVERY:
            self._readings.popleft()
        began, first = self._readings[0]
        if (seconds := now - began) > 0:
            told = _told(self._readings[-1][1] - first, seconds)
            part = held.folder / f".{FILE}"
            part.write_bytes(msgspec.json.encode(told))
            part.replace(held.folder / FILE)


def read_recent(folder: Path) -> RecentService | None:
    """Read what a service on this machine did in the last minute; None if that is not known."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=RecentService)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _told(since: Statistics, seconds: float) -> RecentService:
    revisions = {
        number: RecentRevision(
            rate=seen.total / seconds,
            failed=seen.failed / seen.total if seen.total else 0.0,
            p50=seen.latencies.quantile(0.5),
            p99=seen.latencies.quantile(0.99),
        )
        for number, seen in since.revisions.items()
    }
    return RecentService(seconds=seconds, revisions=revisions)
