"""Measure us and MLflow side by side: ``python -m tests.bench``."""

import argparse
import datetime as dt
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import msgspec
from tests.bench import artifacts, embedded, registry, server, startup
from tests.bench.figure import Result, results
from tests.bench.ground import Ground, Sizes, make_ground
from tests.bench.machine import describe
from tests.bench.mlflow import mlflow_python
from tests.bench.report import Report, as_document, as_table

NOUNS: dict[str, ModuleType] = {
    "startup": startup,
    "embedded": embedded,
    "registry": registry,
    "artifacts": artifacts,
    "server": server,
}
QUICK = Sizes(seconds=0.05, runs=20, megabytes=1)
"""Sizes with which every part runs, and no figure means anything."""


def measure(ground: Ground, module: ModuleType, rounds: int) -> list[Result]:
    """Let the contestants take turns, so that whatever else the machine does meets all of them."""
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    contestants = list(module.contestants(ground).items())
    for turn in range(rounds):
        first = turn % len(contestants)  # what one leaves in caches and on the disk meets another in every round
        for contestant, attempt in contestants[first:] + contestants[:first]:
            with tempfile.TemporaryDirectory(dir=ground.folder) as folder:
                figures = attempt(Path(folder))
            for figure, value in figures.items():
                samples[figure, contestant].append(value)
            say(f"{contestant}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
    return results(module.FIGURES, samples)


def say(text: str) -> None:
    """Tell how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


def options(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure us and MLflow side by side.")
    parser.add_argument("--only", action="append", choices=NOUNS, help="this part; repeatable")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant has its turn (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    parser.add_argument("--folder", type=Path, help="where to work, on the disk that is meant")
    parser.add_argument("--no-peer", action="store_true", help="leave MLflow out")
    parser.add_argument("--upgrade", action="store_true", help="take MLflow's newest release, also if one is there")
    parser.add_argument("--quick", action="store_true", help="try every part with tiny sizes: no figure means anything")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    chosen = options(given)
    peer = None if chosen.no_peer else mlflow_python(upgrade=chosen.upgrade)
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-", dir=chosen.folder) as folder:
        ground = make_ground(Path(folder), peer, QUICK if chosen.quick else Sizes())
        report = _report(ground, chosen.only or list(NOUNS), chosen.rounds)
    if chosen.json is not None:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(as_document(report))) + b"\n")
    print(as_table(report))
    return 0


def _report(ground: Ground, nouns: list[str], rounds: int) -> Report:
    date, start, machine = dt.datetime.now(dt.UTC), time.monotonic(), describe(ground.folder)
    found: list[Result] = []
    for noun in nouns:
        say(f"{noun}:")
        found += measure(ground, NOUNS[noun], rounds)
    return Report(
        date=f"{date:%Y-%m-%d %H:%M} UTC",
        machine=machine,
        load_after=round(os.getloadavg()[0], 2),
        rounds=rounds,
        seconds=time.monotonic() - start,
        versions=_versions(ground),
        results=found,
    )


def _versions(ground: Ground) -> dict[str, str]:
    versions = {"Python": platform.python_version()}
    return versions | {side.name: side.version(side.name.lower()) for side in ground.sides}


if __name__ == "__main__":
    raise SystemExit(main())
