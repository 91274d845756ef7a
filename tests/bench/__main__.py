"""Measure us and the peers side by side: ``python -m tests.bench``."""

import argparse
import datetime as dt
import os
import platform
import tempfile
import time
from pathlib import Path
from types import ModuleType

import msgspec
from msgspec.structs import replace
from tests.bench import (
    artifacts,
    data,
    embedded,
    images,
    pipelines,
    registry,
    router,
    server,
    service_faults,
    services,
    startup,
)
from tests.bench.figure import OURS, Result
from tests.bench.ground import Ground, Sizes, make_ground
from tests.bench.machine import describe
from tests.bench.mlflow import mlflow_python
from tests.bench.report import Report, as_document, as_table, fill_in, from_document
from tests.bench.serving import crowds, faults, heavy, scripts, soak, standard, storm, tensors
from tests.bench.serving.peers import BARE, NGINX, PEERS, versions
from tests.bench.turns import measure, say

NOUNS: dict[str, ModuleType] = {
    "startup": startup,
    "embedded": embedded,
    "registry": registry,
    "artifacts": artifacts,
    "data": data,
    "pipelines": pipelines,
    "server": server,
    "router": router,
    "images": images,
    "services": services,
    "serving-standard": standard,
    "serving-tensors": tensors,
    "serving-heavy": heavy,
    "serving-scripts": scripts,
    "reliability-storm": storm,
    "reliability-crowds": crowds,
    "reliability-faults": faults,
    "reliability-services": service_faults,
    "reliability-soak": soak,
}
GROUPS = {group: [noun for noun in NOUNS if noun.startswith(f"{group}-")] for group in ("serving", "reliability")}
_OF_SERVING = {noun for nouns in GROUPS.values() for noun in nouns}
"""Several parts by one name; their figures have a place of their own in the page."""
RIVALS = (NGINX, BARE, *(one.name for one in PEERS))
"""Servers that are measured beside our scoring server; the first two need no environment of their own."""
QUICK = Sizes(
    seconds=0.05, runs=20, megabytes=1, load=0.3, neurons=512, trees=30, requests=2000, storm=1, connections=200
)
"""Sizes with which every part runs, and no figure means anything."""


def options(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure us and the peers side by side.")
    parser.add_argument("--only", action="append", choices=[*NOUNS, *GROUPS], help="this part; repeatable")
    parser.add_argument("--rounds", type=int, help="how often each contestant has its turn (default 3; 1 with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the table into its place in this page, too")
    parser.add_argument("--report", type=Path, metavar="FILE", help="measure nothing: report what --json has written")
    parser.add_argument("--folder", type=Path, help="where to work, on the disk that is meant")
    parser.add_argument("--rival", action="append", choices=RIVALS, help="this server beside ours; repeatable")
    parser.add_argument("--no-peer", action="store_true", help="leave out those that need an environment of their own")
    parser.add_argument("--upgrade", action="store_true", help="take MLflow's newest release, also if one is there")
    parser.add_argument("--quick", action="store_true", help="try every part with tiny sizes: no figure means anything")
    parser.add_argument("--soak", action="store_true", help="load a server for half an hour, too (reliability-soak)")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    chosen = options(given)
    if chosen.report is None:
        report = _measured(chosen)
    else:
        report = from_document(msgspec.json.decode(chosen.report.read_bytes()))
    if chosen.json is not None:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(as_document(report))) + b"\n")
    if chosen.markdown is not None:
        chosen.markdown.write_text(as_table(report) + "\n")
    if chosen.page is not None:
        chosen.page.write_text(_filled(chosen.page.read_text(), report, chosen.only or list(GROUPS)))
    print(as_table(report))
    return 1 if any(who.startswith(OURS) for who in report.left_out) else 0


def _filled(page: str, report: Report, places: list[str]) -> str:
    """Put the figures of each part that was measured into its own place, or into its group's if the page has none."""
    named: dict[str, set[str]] = {}
    for place in places:
        for noun in GROUPS.get(place, [place]):
            home = noun if f"<!-- figures: {noun} -->" in page else place
            named.setdefault(home, set()).update(figure.name for figure in NOUNS[noun].FIGURES)
    for home, names in named.items():
        if mine := [one for one in report.results if one.figure.name in names]:
            page = fill_in(page, home, replace(report, results=mine))
    return page


def _measured(chosen: argparse.Namespace) -> Report:
    nouns = [one for name in chosen.only or NOUNS for one in GROUPS.get(name, [name])]
    nouns = [noun for noun in nouns if chosen.soak or noun != "reliability-soak"]
    alone = chosen.no_peer or _OF_SERVING.issuperset(nouns)
    peer = None if alone else mlflow_python(upgrade=chosen.upgrade)
    rivals = frozenset(chosen.rival or (RIVALS[:2] if chosen.no_peer else RIVALS))
    sizes = replace(QUICK if chosen.quick else Sizes(), soak=1800 if chosen.soak else 0)
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-", dir=chosen.folder) as folder:
        ground = make_ground(Path(folder), peer, sizes, rivals)
        return _report(ground, nouns, chosen.rounds or (1 if chosen.quick else 3))


def _report(ground: Ground, nouns: list[str], rounds: int) -> Report:
    date, start, machine = dt.datetime.now(dt.UTC), time.monotonic(), describe(ground.folder)
    found: list[Result] = []
    left_out: dict[str, str] = {}
    for noun in nouns:
        say(f"{noun}:")
        figures, missing = measure(ground, noun, NOUNS[noun], rounds)
        found += figures
        left_out |= missing
    serving = not _OF_SERVING.isdisjoint(nouns)
    return Report(
        date=f"{date:%Y-%m-%d %H:%M} UTC",
        machine=machine,
        load_after=round(os.getloadavg()[0], 2),
        rounds=max((len(values) for one in found for values in one.samples.values()), default=0),
        seconds=time.monotonic() - start,
        versions=_versions(ground) | (versions(ground.rivals) if serving else {}),
        results=found,
        left_out=left_out,
    )


def _versions(ground: Ground) -> dict[str, str]:
    versions = {"Python": platform.python_version()}
    return versions | {side.name: side.version(side.name.lower()) for side in ground.sides}


if __name__ == "__main__":
    raise SystemExit(main())
