"""What is told of a service, in a line and whole, and while a rollout goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from msgspec import Struct

from modelyard.cli.output import spinner
from modelyard.sdk.service.service import Service
from modelyard.sdk.service.waiting import told_of

Table = tuple[Sequence[str], Sequence[Sequence[object]]]


class Details(Struct, frozen=True, kw_only=True):
    """A service's revisions, rollouts and last minute: as values, and as tables for people."""

    values: dict[str, Any]
    tables: tuple[Table, ...]


@contextmanager
def following(name: str, label: str) -> Iterator[Callable[[str], None]]:
    """Show how a rollout goes, and say at an interrupt that it goes on without who waits for it."""
    try:
        with spinner(label) as say:
            yield say
    except KeyboardInterrupt:
        click.echo(
            f"What was begun goes on. See it: modelyard service show {name}; through: modelyard service wait {name}; "
            f"end it: modelyard service abort {name}",
            err=True,
        )
        raise


def row_of(service: Service) -> dict[str, Any]:
    """Tell of a service in a line."""
    standing, revision = service.info.standing, service.revision
    return {
        "name": service.name,
        "state": service.state,
        "traffic": traffic(standing.traffic),
        "image": revision.image,
        "models": revision.models,
        "target": revision.target,
        "url": standing.url,
    }


def facts_of(service: Service) -> dict[str, Any]:
    """Tell how a service is, and why."""
    rollout, standing = service.rollout, service.info.standing
    why = standing.problem or (rollout.reason if rollout is not None and rollout.state != "promoted" else "")
    if service.state == "unattended":
        why = "no runner looks after it; start one with: modelyard up"
    return {
        **row_of(service),
        "why": why,
        "machine": standing.machine,
        "replicas": f"{len(service.revision.ready)} of {service.info.settings.replicas} ready",
        "rollout": "" if rollout is None else f"{rollout.number}: {told_of(rollout)}",
        "tags": ", ".join(f"{key}={text}" for key, text in service.info.tags.items()),
    }


def traffic(weights: dict[int, int]) -> str:
    """Write shares of the traffic."""
    return ", ".join(f"revision {number}: {weight} %" for number, weight in sorted(weights.items()))


def details(service: Service) -> Details:
    """Tell all of a service."""
    revisions, recent, rollouts = service.revisions(), service.recent(), service.rollouts()
    seen = recent.revisions if recent is not None else {}
    rows = []
    for one in revisions:
        minute = seen.get(one.number)
        figures = (
            ("", "", "", "")
            if minute is None
            else (f"{minute.rate:.1f}/s", f"{minute.failed:.2%}", _milliseconds(minute.p50), _milliseconds(minute.p99))
        )
        share = service.info.standing.traffic.get(one.number)
        rows.append(
            (
                one.number,
                one.state,
                "" if share is None else f"{share} %",
                one.image,
                len(one.ready),
                *figures,
                one.reason,
            )
        )
    headings = ("REVISION", "STATE", "TRAFFIC", "IMAGE", "READY", "RATE", "FAILED", "P50", "P99", "REASON")
    tables: list[Table] = [(headings, rows)]
    if rollouts:
        told = [
            (one.number, one.revision, one.policy.kind, one.state, _moment(one.changed), one.by, one.reason)
            for one in rollouts
        ]
        tables.append((("ROLLOUT", "REVISION", "POLICY", "STATE", "CHANGED", "BY", "REASON"), told))
    values = {"settings": service.info.settings, "revisions": revisions, "rollouts": rollouts, "recent": recent}
    return Details(values=values, tables=tuple(tables))


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms"


def _moment(moment: Any) -> str:
    return str(moment.isoformat(sep=" ", timespec="seconds"))
