"""Open-loop traffic: each request has its time in advance, and a record of what came back.

What is done to the server meanwhile is a list of phases, one after the other, each with a name; a claim is then made
about the requests of a phase, and fails where there were hardly any.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from msgspec import Struct
from tests.integration.scoring.scenarios.report import CUT_OFF, GAVE_UP, REFUSED, Record, Report
from tests.integration.scoring.scenarios.wire import Answer, Wire

_SLACK = 0.002  # seconds that a request may be early: a loop sleeps no shorter
_LIMIT = 30.0  # seconds after which a request without an answer is a failure of the server


class Load(Struct, frozen=True, kw_only=True):
    """What is sent.

    Parameters
    ----------
    make
        Makes the bytes of the request with a number.
    check
        Tells whether an answer is the one to the request with this number.
    connections
        How many are open at most; a request that finds none free waits, and its time counts.
    depth
        How many requests are under way on one connection.
    impatient
        The share of requests whose client closes the connection after `patience` seconds.
    retry
        When a request whose connection ended before its answer is sent once more: ``never``; ``kept``, when the
        connection had been kept from an earlier one, as HTTP clients do; ``any``, as a router does that knows that
        scoring changes nothing.
    """

    make: Callable[[int], bytes]
    check: Callable[[int, Answer], bool]
    connections: int = 64
    depth: int = 1
    impatient: float = 0.0
    patience: float = 0.005
    retry: Literal["never", "kept", "any"] = "never"
    seed: int = 1


class Traffic:
    """Clients of one port.

    Attributes
    ----------
    phase
        The name of what is being done to the server: set it as you go.
    under_way
        How many requests are sent and not answered.
    """

    def __init__(self, port: int, load: Load) -> None:
        self.phase = "steady"
        self._port = port
        self._load = load
        self._chance = random.Random(load.seed)
        self._free: list[Wire] = []
        self._slots = asyncio.Semaphore(load.connections * load.depth)
        self._records: list[Record] = []
        self._stopped = False
        self.under_way = 0
        self._phases: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many requests have ended."""
        return len(self._records)

    @property
    def now(self) -> float:
        """Seconds since the traffic began."""
        return asyncio.get_running_loop().time() - self._start

    def under_way_in(self, phase: str) -> int:
        """Give how many requests that were due in a phase have not ended."""
        return self._phases[phase]

    def stop(self) -> None:
        """Send no more."""
        self._stopped = True

    async def run(self, rate: float, seconds: float) -> Report:
        """Send `rate` requests a second for some seconds or until stopped; wait for the answers."""
        loop = asyncio.get_running_loop()
        self._start = loop.time()
        tasks: set[asyncio.Task[None]] = set()
        for number in range(int(rate * seconds)):
            if self._stopped:
                break
            due = number / rate
            wait = self._start + due - loop.time()
            if wait > _SLACK or not number % 50:  # also one that is late gives others their turn
                await asyncio.sleep(max(0.0, wait))
            task = loop.create_task(self._one(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        self._close()
        return Report(self._records)

    async def closed(self, clients: int, seconds: float) -> Report:
        """Let some clients ask one after the other: the most that the server does."""
        loop = asyncio.get_running_loop()
        self._start = loop.time()
        numbers = iter(range(1_000_000_000))

        async def client() -> None:
            while loop.time() < self._start + seconds:
                await self._one(next(numbers), loop.time() - self._start)

        await asyncio.gather(*(client() for _ in range(clients)))
        self._close()
        return Report(self._records)

    async def _one(self, number: int, due: float) -> None:
        loop, load, phase = asyncio.get_running_loop(), self._load, self.phase
        self._phases[phase] += 1
        hasty = load.impatient > 0 and self._chance.random() < load.impatient
        async with self._slots:
            sent = loop.time() - self._start
            self.under_way += 1
            answer, status, retried = await self._answer(load.make(number), load.patience if hasty else None)
            self.under_way -= 1
        record = Record(
            due=due,
            sent=sent,
            ended=loop.time() - self._start,
            status=status,
            phase=phase,
            right=answer is not None and load.check(number, answer),
            polite=answer is None or status != 503 or answer.header("retry-after") is not None,
            retried=retried,
        )
        self._records.append(record)
        self._phases[phase] -= 1

    async def _answer(self, data: bytes, patience: float | None) -> tuple[Answer | None, int, bool]:
        retried = False
        while True:
            wire = None
            try:
                wire = await self._wire(fresh=retried)
                answer = await asyncio.wait_for(wire.ask(data), patience or _LIMIT)
            except TimeoutError:
                if wire is not None:
                    wire.closed = True
                    wire.transport.abort()
                return None, GAVE_UP if patience else CUT_OFF, retried
            except OSError:
                again = {"never": False, "kept": wire is not None and wire.answered > 0, "any": wire is not None}
                if again[self._load.retry] and not retried:
                    retried = True
                    continue
                return None, REFUSED if wire is None else CUT_OFF, retried
            self._give_back(wire)
            return answer, answer.status, retried

    async def _wire(self, *, fresh: bool) -> Wire:
        while self._free and not fresh:  # another kept connection may have ended with the first
            wire = self._free.pop()
            if not wire.closed:
                return wire
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(lambda: Wire(self._forget), "127.0.0.1", self._port)
        for _ in range(self._load.depth - 1):
            self._free.insert(0, wire)
        return wire

    def _give_back(self, wire: Wire) -> None:
        if not wire.closed:
            self._free.append(wire)
        elif not wire.waiting:
            wire.transport.close()

    def _forget(self, wire: Wire) -> None:
        if wire in self._free:
            self._free = [one for one in self._free if one is not wire]

    def _close(self) -> None:
        for wire in self._free:
            wire.transport.close()


@contextlib.asynccontextmanager
async def steady(port: int, load: Load, rate: float) -> AsyncIterator[Traffic]:
    """Keep traffic going while the body does things to the server; then let it end.

    The report is the attribute `report` of what is given, once the body has ended.
    """
    traffic = Traffic(port, load)
    task = asyncio.create_task(traffic.run(rate, 3600))
    try:
        yield traffic
    finally:
        traffic.stop()
        traffic.report = await task  # type: ignore[attr-defined]


def drive(port: int, load: Load, rate: float, seconds: float) -> Report:
    """Send traffic and do nothing else."""
    return asyncio.run(Traffic(port, load).run(rate, seconds))


def most(port: int, load: Load, clients: int, seconds: float) -> float:
    """Measure how many requests a second the server answers with 200, when some clients ask all the time."""
    report = asyncio.run(Traffic(port, load).closed(clients, seconds)).of(200)
    return len(report.assert_min_samples(20).records) / seconds


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run what waits in a thread, while traffic goes on."""
    return asyncio.to_thread(function, *arguments)
