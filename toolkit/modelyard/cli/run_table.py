"""How runs and what they logged look in a terminal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelyard.cli.output import print_facts, print_table
from modelyard.sdk.run.run import Run
from modelyard.tracking.run import RunInfo

_HEADINGS = ("RUN", "NAME", "STATUS", "STARTED (UTC)", "TOOK", "TAGS")
_WIDEST = 60
"""Characters of a value that a table shows."""


def print_runs(found: Sequence[RunInfo], metrics: tuple[str, ...]) -> None:
    """Print runs as a table, with a column for each of `metrics`."""
    rows = [(*_facts(one), *(_number(one.metrics.get(name)) for name in metrics)) for one in found]
    print_table((*_HEADINGS, *metrics), rows, "There are no such runs.")


def print_run(run: Run) -> None:
    """Print what is recorded of a run."""
    info = run.info
    facts: list[tuple[str, object]] = [
        ("run", info.id),
        ("name", info.display_name),
        ("type", info.type),
        ("status", info.status),
        ("parent", info.parent),
        ("started", info.started and info.started.isoformat(timespec="seconds")),
        ("took", took(info)),
        ("error", info.error and info.error.message),
    ]
    for title, values in (
        ("tag", info.tags),
        ("property", info.properties),
        ("parameter", info.parameters),
        ("digest", info.digests),
        ("detail", info.details),
    ):
        facts += [(f"{title} {name}", _short(value)) for name, value in values.items()]
    print_facts([(name, value) for name, value in facts if value not in (None, "")])


def print_values(values: Mapping[str, Any]) -> None:
    """Print metrics, of several values the last ones."""
    print_facts((name, _short(value)) for name, value in values.items())


def took(info: RunInfo) -> str:
    """Say how long a run took, or has taken until now."""
    if info.started is None:
        return ""
    seconds = ((info.ended or dt.datetime.now(dt.UTC)) - info.started).total_seconds()
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _facts(info: RunInfo) -> Iterable[str]:
    started = info.started.strftime("%Y-%m-%d %H:%M:%S") if info.started else ""
    name = "" if info.display_name == info.id else info.display_name
    tags = " ".join(f"{key}={value}" for key, value in info.tags.items())
    return (info.id, name, info.status, started, took(info), tags)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > 1:
        return f"{_short(value[-1])}  (the last of {len(value)})"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
