"""Clients of services, and waiting for what they are to see."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integration.scoring.scenarios import nonces
from tests.integration.scoring.scenarios.report import Report
from tests.integration.scoring.scenarios.traffic import Load, Traffic, steady
from tests.integration.scoring.scenarios.wire import Answer

from modelyard.sdk.service.service import Service


class Clients:
    """Clients of a service that ask all the time, each for its own answer, and note which revision gave it."""

    def __init__(self, service: Service, *, key: str | None = None, header: Callable[[int], str] | None = None) -> None:
        self.revisions: list[tuple[int, str | None]] = []
        self.port = urlsplit(service.url).port or 0
        self._key = key or service.get_keys()[0]
        self._header = header
        self.load = Load(make=self._make, check=self._check, connections=64)

    def during(self, scenario: Callable[[Traffic], Awaitable[Any]], rate: float = 100.0) -> Report:
        """Have a scenario under the traffic of these clients; every answer must be the client's own."""

        async def run() -> Report:
            async with steady(self.port, self.load, rate) as traffic:
                await asyncio.sleep(0.3)
                await scenario(traffic)
                await asyncio.sleep(0.3)
            report: Report = traffic.report  # type: ignore[attr-defined]
            return report

        return asyncio.run(run()).assert_right()

    def by_phase(self, report: Report) -> dict[str, set[str | None]]:
        """Say which revisions answered in each phase of a report in which everything was answered."""
        report.assert_all_answered()
        found: dict[str, set[str | None]] = {}
        for record, (_, revision) in zip(report.records, self.revisions, strict=True):
            found.setdefault(record.phase, set()).add(revision)
        return found

    def share(self, revision: int) -> float:
        """Give the share of the answers that a revision gave, 0 to 1."""
        return sum(by == str(revision) for _, by in self.revisions) / len(self.revisions)

    def _make(self, number: int) -> bytes:
        head, _, rest = nonces.make(number).partition(b"\r\n")
        extra = f"x-api-key: {self._key}\r\n" + (f"{self._header(number)}\r\n" if self._header else "")
        return head + b"\r\n" + extra.encode() + rest

    def _check(self, number: int, answer: Answer) -> bool:
        self.revisions.append((number, answer.header("x-modelyard-revision")))
        return nonces.check(number, answer)


def names(folder: Path) -> list[str]:
    """Name the folders in a folder: revisions in that of a service, replicas in that of a revision."""
    return sorted(one.name for one in folder.iterdir() if one.is_dir())


def wait_until(is_so: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never is"
        time.sleep(0.05)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, while traffic goes on."""
    await asyncio.to_thread(wait_until, is_so)
