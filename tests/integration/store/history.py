"""What a workspace holds after a kill, held against what was promised."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from modelyard.backend.backend import Backend
from modelyard.errors import ModelyardError
from modelyard.models.model import ModelQuery, ModelVersion
from modelyard.tracking.files import FileQuery
from modelyard.tracking.logs import LogQuery
from modelyard.tracking.metric import MetricQuery
from modelyard.tracking.run import RunInfo, RunQuery


class History:
    """The lines that clients wrote: what was promised, and what was asked for."""

    def __init__(self, text: str) -> None:
        lines = [line.split()[:-1] for line in text.splitlines() if line.endswith(" .")]
        self.promised = [line[1:] for line in lines if line[0] == "ok"]
        self.asked = {tuple(line[1:4]) for line in lines if line[0] in {"try", "ok"}}

    def of(self, kind: str) -> Iterator[list[str]]:
        """List what was promised of a kind."""
        return (rest for first, *rest in self.promised if first == kind)


def faults(root: Path, backend: Backend, history: History) -> list[str]:
    """Say what is lost, half made, or was never asked for."""
    runs = {run.id: run for run in _runs(backend)}
    models = _models(backend)
    return [
        *_integrity(root),
        *_lost_runs(backend, history, runs),
        *_lost_blobs(backend, history),
        *_lost_models(backend, history, models),
        *_half_made_runs(backend, history, runs),
        *_half_made_models(backend, models),
    ]


def _integrity(root: Path) -> Iterator[str]:
    with sqlite3.connect(root / "modelyard.db") as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    if found != [("ok",)] or broken:
        yield f"the database is damaged: {found} {broken}"


def _lost_runs(backend: Backend, history: History, runs: dict[str, RunInfo]) -> Iterator[str]:
    yield from (f"lost run {key}" for key, run in history.of("run") if run not in runs)
    yield from (f"lost end {run}" for (run,) in history.of("end") if runs[run].status != "Completed")
    for run, steps in _by_run(history, "metric"):
        kept = [metric.step for metric in backend.metrics.list(run, MetricQuery(name="a")).items]
        yield from (
            f"metric {step} of {run} stands {kept.count(step)} times" for step in steps if kept.count(step) != 1
        )
    for run, steps in _by_run(history, "line"):
        lines = backend.logs.read(run, LogQuery(path="log.txt")).data.decode().splitlines()
        yield from (f"lost line {step} of {run}" for step in steps if lines[step : step + 1] != [f"line {step:02}"])


def _by_run(history: History, kind: str) -> list[tuple[str, list[int]]]:
    found: dict[str, list[int]] = {}
    for run, step in history.of(kind):
        found.setdefault(run, []).append(int(step))
    return list(found.items())


def _lost_blobs(backend: Backend, history: History) -> Iterator[str]:
    for (sha256,) in history.of("blob"):
        try:
            backend.blobs.read(sha256)
        except ModelyardError as error:
            yield f"lost blob: {error}"
    for run, sha256 in history.of("file"):
        if [one.sha256 for one in backend.files.list(run, FileQuery()).items] != [sha256]:
            yield f"lost file of {run}"


def _lost_models(backend: Backend, history: History, models: list[ModelVersion]) -> Iterator[str]:
    there = {(model.name, model.tree, str(model.version)) for model in models}
    yield from (f"lost model {one}" for one in history.of("model") if tuple(one) not in there)
    last: dict[str, int] = {name: int(version) for name, version in history.of("alias")}
    for name, version in last.items():
        now = backend.models.get(f"{name}@champion").version
        if now not in {version, version + 1}:
            yield f"the alias of {name} is at {now}, not at {version}"


def _half_made_runs(backend: Backend, history: History, runs: dict[str, RunInfo]) -> Iterator[str]:
    asked = {one[1] for one in history.asked if one[0] == "run"}
    for run in runs.values():
        if run.display_name not in asked:
            yield f"run {run.display_name} was never asked for"
        metrics = backend.metrics.list(run.id, MetricQuery()).items
        pairs = [[metric.step for metric in metrics if metric.name == name] for name in "ab"]
        if pairs[0] != pairs[1]:
            yield f"half of two metrics: {pairs}"
        for file in backend.files.list(run.id, FileQuery()).items:
            if len(backend.blobs.read(file.sha256)) != file.size:
                yield f"file {file} has another size"


def _half_made_models(backend: Backend, models: list[ModelVersion]) -> Iterator[str]:
    for name in {model.name for model in models}:
        versions = sorted(model.version for model in models if model.name == name)
        if versions != list(range(1, len(versions) + 1)):
            yield f"versions of {name}: {versions}"
    for model in models:
        for entry in backend.trees.get(model.tree).files.values():
            backend.blobs.read(entry.sha256)


def _runs(backend: Backend) -> Iterator[RunInfo]:
    cursor = None
    while True:
        page = backend.runs.list(RunQuery(cursor=cursor, limit=1000))
        yield from page.items
        if (cursor := page.cursor) is None:
            return


def _models(backend: Backend) -> list[ModelVersion]:
    found: list[ModelVersion] = []
    cursor = None
    while True:
        page = backend.models.list(ModelQuery(cursor=cursor, limit=100))
        found += page.items
        if (cursor := page.cursor) is None:
            return found
