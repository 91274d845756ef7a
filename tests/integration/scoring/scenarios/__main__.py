"""Run the scenarios at full length: ``python -m tests.integration.scoring.scenarios [NAME ...]``.

The tests run short ones. A claim that does not hold ends the run with its reason.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.integration.scoring.conftest import Folders, Running, save
from tests.integration.scoring.scenarios import blocked_log, judged, kills, leaving, nonces, overload, soak

MIB = 2**20


@contextlib.contextmanager
def echo(*options: str, size: int = 0, layers: int = 0, log: Any = None, **limits: Any) -> Iterator[Any]:
    """Have a server of a model that gives back what it gets, at a price for each row."""
    models = {"echo": (nonces.echo(save, size=size, layers=layers), nonces.SIGNATURE, nonces.SAMPLE)}
    with serving(models, "--run-in", "thread", *options, log=log, **limits) as server:
        yield server


@contextlib.contextmanager
def serving(models: Any, *options: str, log: Any = None, **limits: Any) -> Iterator[Any]:
    """Have a server of some models."""
    with tempfile.TemporaryDirectory() as place:
        folder = Folders(Path(place)).write(models, limits=limits)
        options = ("--access-log", "errors" if log is None else "all", *options)
        server = Running(folder, Path(place), *options, log=log).wait()
        try:
            yield server
        finally:
            server.stop()


def mixed_up() -> str:
    """R22: 100,000 requests, one and eight at a time on a connection."""
    reports = []
    for depth in (1, 8):
        with echo(size=1024, layers=8, max_batch_rows=64, max_queue=200) as server:
            report = nonces.flood(server.port, 50_000, depth=depth)
            nonces.assert_no_answer_is_anothers(report, 50_000)
            reports.append(str(report))
    return "; ".join(reports)


def left() -> str:
    """R21: 2,000 clients leave."""
    with echo(size=64, layers=2) as server:
        found = leaving.leave(server.port, server.workers()[0], 2000)
    leaving.assert_nothing_stays(found, 2000)
    return f"before {found.before}, after {found.after}"


def overloaded() -> str:
    """R24: a minute of three times the capacity."""
    with echo(size=1024, layers=24, max_queue=200) as server:
        found = overload.overload(server.port, server.workers()[0], seconds=60, recovery=5)
    print(found, found.report, flush=True)
    overload.assert_calm(found, goodput=0.9, refusal=0.1, samples=20_000)
    return f"{found.goodput / found.capacity:.2f} of capacity, refusals within {found.refusal * 1000:.0f} ms"


def killed() -> str:
    """R1: a worker is killed every two seconds for a minute, at 300 requests a second."""
    texts = []
    for retry in (False, True):
        with echo("--workers", "2", size=256, layers=4) as server:
            found = kills.kill_workers(server, rate=300, times=15, pause=1.5, retry=retry)
        kills.assert_only_what_was_in_flight_is_lost(found, samples=5000)
        if retry:
            found.report.assert_all_answered()
        texts.append(f"{found.report}, back in {max(found.back):.2f} s at most")
    return "; ".join(texts)


def stopped() -> str:
    """R3: twenty stops and as many reloads under traffic."""
    for _ in range(20):
        with echo("--workers", "2", size=256, layers=4) as server:
            kills.assert_drained(kills.stop(server, rate=300, before=1.0), samples=200)
    with echo("--workers", "2", size=64, layers=2) as server:
        report = kills.reload(server, rate=300, times=20, pause=0.5)
    report.assert_min_samples(5000).assert_all_answered()
    return f"20 stops; reloads: {report}"


def soaked() -> str:
    """R32: half an hour."""
    with echo("--workers", "2", size=64, layers=2) as server:
        found = soak.soak(server, rate=500, seconds=1800, warm_up=120, every=5)
    soak.assert_steady(found, samples=800_000, memory=MIB, drift=1.1)
    return f"{found.memory_slope / MIB:.2f} MiB an hour, p99 {found.p99_first:.4f} s, then {found.p99_last:.4f} s"


def unread() -> str:
    """R34: nobody reads the log."""
    pipe = blocked_log.Pipe()
    try:
        with echo(log=pipe.write_end) as server:
            found = blocked_log.block(server, pipe, rate=500, seconds=20, flood=100_000)
    finally:
        pipe.join()
    blocked_log.assert_unmoved(found, samples=9000, slower=1.5)
    return f"{found.dropped} lines were dropped"


def judged_right() -> str:
    """R18 to R20: 10,000 requests to models of random signatures."""
    models = judged.models(save, 60, "full")
    with serving(models, max_rows=judged.MAX_ROWS) as server:
        wrong, right = judged.judge(server.port, models, 10_000, "full")
    assert wrong == []
    return f"10,000 answers as the oracle says, {right} of them scores"


SCENARIOS: dict[str, Callable[[], str]] = {
    "mixed-up": mixed_up,
    "leaving": left,
    "overload": overloaded,
    "kills": killed,
    "stops": stopped,
    "unread-log": unread,
    "judged": judged_right,
    "soak": soaked,
}


def main() -> None:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENARIOS))
    for name in parser.parse_args().names or SCENARIOS:
        print(f"{name}: {SCENARIOS[name]()}", flush=True)


if __name__ == "__main__":
    main()
