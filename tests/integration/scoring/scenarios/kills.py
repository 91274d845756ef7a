"""R1, R3: workers are killed and servers are stopped and reloaded under traffic that never ends."""

import asyncio
import os
import signal
import time
from typing import Any

from msgspec import Struct
from tests.integration.scoring.scenarios.nonces import check, make
from tests.integration.scoring.scenarios.report import CUT_OFF, Report
from tests.integration.scoring.scenarios.traffic import Load, call, steady

_UNSEEN = 10  # requests that may set out between the look at what is under way and a kill
_SOON = 3.0  # seconds in which a client learns that its connection has ended


class Stopped(Struct, frozen=True, kw_only=True):
    """What stopping a server did; `at` is when the signal was sent, and `seconds` what the stop took."""

    report: Report
    at: float
    seconds: float
    status: int


class Kills(Struct, frozen=True, kw_only=True):
    """What killing workers one after the other did; `back` has the seconds until each had a successor that serves."""

    report: Report
    at: tuple[float, ...]
    in_flight: tuple[int, ...]
    back: tuple[float, ...]


def _load(**more: Any) -> Load:
    return Load(make=make, check=check, connections=64, **more)


def kill_workers(server: Any, *, rate: float, times: int, pause: float, retry: bool) -> Kills:
    """Kill one worker after the other by SIGKILL.

    Parameters
    ----------
    server
        Has a `port`, `workers()`, and `serving()`, how many workers are ready.
    retry
        Whether clients send once more what a closed connection lost.
    """

    until_all_serve(server)

    async def scenario() -> Kills:
        at, in_flight, back = [], [], []
        async with steady(server.port, _load(retry="any" if retry else "never"), rate) as traffic:
            await asyncio.sleep(pause)
            for turn in range(times):
                victims = server.workers()
                before = await call(serving, server)
                traffic.phase = f"kill {turn}"
                in_flight.append(traffic.under_way)
                at.append(traffic.now)
                os.kill(victims[turn % len(victims)], signal.SIGKILL)
                back.append(await call(until_serving, server, before, victims))
                traffic.phase = "after"
                await asyncio.sleep(pause)
        return Kills(report=traffic.report, at=tuple(at), in_flight=tuple(in_flight), back=tuple(back))

    return asyncio.run(scenario())


def reload(server: Any, *, rate: float, times: int, pause: float) -> Report:
    """Have all workers replaced by SIGHUP, again and again; the phases are ``steady``, ``reload`` and ``after``."""

    until_all_serve(server)

    async def scenario() -> Report:
        async with steady(server.port, _load(retry="kept"), rate) as traffic:
            await asyncio.sleep(pause)
            for _ in range(times):
                before, count = server.workers(), await call(serving, server)
                traffic.phase = "reload"
                server.process.send_signal(signal.SIGHUP)
                await call(until_replaced, server, before, count)
                traffic.phase = "after"
                await asyncio.sleep(pause)
        return traffic.report

    return asyncio.run(scenario())


def stop(server: Any, *, rate: float, before: float) -> Stopped:
    """Stop a server by SIGTERM under traffic, which goes on until it is refused."""

    until_all_serve(server)

    async def scenario() -> Stopped:
        async with steady(server.port, _load(retry="kept"), rate) as traffic:
            await asyncio.sleep(before)
            at, began = traffic.now, time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            status = await call(server.process.wait, 60)
            seconds = time.monotonic() - began
        return Stopped(report=traffic.report, at=at, seconds=seconds, status=status)

    return asyncio.run(scenario())


def assert_drained(found: Stopped, *, samples: int) -> None:
    """Claim that what was sent before the signal was answered, and that the end was a clean one.

    What is sent later may be refused, by a connection that cannot be made, but never be cut off.
    """
    found.report.assert_right()
    earlier = [record for record in found.report.records if record.sent < found.at]
    Report(earlier, "sent before the signal").assert_min_samples(samples).assert_all_answered()
    later = Report([record for record in found.report.records if record.sent >= found.at], "sent after the signal")
    later.of(CUT_OFF).assert_none()
    assert found.status == 0, found.status


def assert_only_what_was_in_flight_is_lost(found: Kills, *, samples: int) -> None:
    """Claim that each kill cost no more requests than were under way, and that each worker had a successor."""
    report = found.report.assert_min_samples(samples).assert_right()
    report.assert_only(200, CUT_OFF)
    for lost in report.of(CUT_OFF).records:
        assert any(lost.sent - _SOON <= at <= lost.ended + _SOON for at in found.at), f"no kill explains {lost}"
    assert len(report.of(CUT_OFF).records) <= sum(found.in_flight) + _UNSEEN * len(found.in_flight), found
    assert len(found.back) == len(found.in_flight)


def serving(server: Any) -> int:
    """How many workers are ready, as the metrics say."""
    text = server.request("GET", "/metrics")[2].decode()
    (line,) = [line for line in text.splitlines() if line.startswith("modelyard_scoring_workers ")]
    return int(line.rsplit(" ", 1)[1])


def until_all_serve(server: Any, timeout: float = 90.0) -> None:
    """Wait until as many workers are ready as there are."""
    end = time.monotonic() + timeout
    while serving(server) < len(server.workers()):
        assert time.monotonic() < end, f"not all workers serve within {timeout} s"
        time.sleep(0.05)


def until_serving(server: Any, count: int, victims: list[int], timeout: float = 90.0) -> float:
    """Wait until a killed worker has gone and `count` serve again; the seconds that took."""
    began = time.monotonic()
    while time.monotonic() < began + timeout:
        try:
            workers = server.workers()
            if set(workers) - set(victims) and len(workers) == len(victims) and serving(server) >= count:
                return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError(f"no successor within {timeout} s")


def until_replaced(server: Any, before: list[int], count: int, timeout: float = 90.0) -> None:
    """Wait until none of the workers is there that were `before`, and as many others serve."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        workers = server.workers()
        if workers and not set(workers) & set(before) and serving(server) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"not replaced within {timeout} s")
