"""R32: hours of traffic: memory, open files and latency stay where they are."""

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from tests.integration.scoring.scenarios.nonces import check, make
from tests.integration.scoring.scenarios.processes import Held, held, slope
from tests.integration.scoring.scenarios.report import Report
from tests.integration.scoring.scenarios.traffic import Load, Traffic, drive, steady


class Soak(Struct, frozen=True, kw_only=True):
    """What was seen after the warm-up.

    Parameters
    ----------
    memory_slope
        Bytes an hour, of the worker that grew fastest.
    files, threads
        Of all workers, before and after, without connections.
    p99_first, p99_last
        Latency of the first and of the last third: the median of the quantiles of windows of ten looks.
    """

    report: Report
    samples: int
    memory_slope: float
    files: tuple[int, int]
    p99_first: float
    p99_last: float
    threads: tuple[int, int]


def soak(server: Any, *, rate: float, seconds: float, warm_up: float, every: float) -> Soak:
    """Send traffic and look at the workers `every` so many seconds."""
    load = Load(make=make, check=check, connections=64)
    seen: dict[int, list[tuple[float, Held]]] = {}

    async def look(traffic: Traffic) -> None:
        start = asyncio.get_running_loop().time()
        while (now := asyncio.get_running_loop().time() - start) < seconds:
            for pid in server.workers():
                seen.setdefault(pid, []).append((now, held(pid)))
            third = int(3 * now / seconds)
            traffic.phase = ("first", "middle", "last")[min(2, third)]
            await asyncio.sleep(every)

    async def scenario() -> Report:
        async with steady(server.port, load, rate) as traffic:
            await look(traffic)
        return traffic.report

    drive(server.port, load, rate, warm_up)
    before = _idle(server)
    with _no_search_for_garbage():
        report = asyncio.run(scenario())
    after = _idle(server, before.files)
    return Soak(
        report=report,
        samples=min(map(len, seen.values())),
        memory_slope=max(slope([(at, one.memory) for at, one in points]) for points in seen.values()) * 3600,
        files=(before.files, after.files),
        threads=(before.threads, after.threads),
        p99_first=report.phase("first").typical(0.99, 10 * every),
        p99_last=report.phase("last").typical(0.99, 10 * every),
    )


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Keep this process from looking through millions of records: for that time it would send and take nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _idle(server: Any, wanted: int | None = None) -> Held:
    """Add up what the workers hold once connections are closed: the fewest files of some looks, more if need be."""
    looks: list[list[Held]] = []
    while len(looks) < 5 or (wanted is not None and len(looks) < 300 and sum(one.files for one in looks[-1]) > wanted):
        time.sleep(0.1)
        looks.append([held(pid) for pid in server.workers()])
    last = min(looks, key=lambda look: sum(one.files for one in look))
    return Held(
        memory=sum(one.memory for one in last),
        threads=sum(one.threads for one in last),
        files=sum(one.files for one in last),
    )


def assert_steady(found: Soak, *, samples: int, memory: float, drift: float) -> None:
    """Claim that nothing was lost, nothing grew, and the last third was as quick as the first.

    Parameters
    ----------
    memory
        Bytes an hour that may be gained.
    drift
        How much more the 99th percentile may be, as a factor.
    """
    found.report.assert_min_samples(samples).assert_all_answered()
    assert found.samples >= 10, found
    assert found.memory_slope <= memory, found
    assert found.files[1] <= found.files[0], found
    assert found.threads[1] <= found.threads[0], found
    assert found.p99_last <= found.p99_first * drift, found
