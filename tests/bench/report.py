"""What was found, as a document for programs and as a table for people."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from tests.bench.figure import OURS, Result, Target
from tests.bench.machine import Machine


class Report(Struct, frozen=True, kw_only=True):
    """All that one run of the benchmark found.

    Parameters
    ----------
    date
        When it began, in UTC.
    load_after
        How many processes wanted a core in the last minute; the machine's own `load` is that before.
    """

    date: str
    machine: Machine
    load_after: float
    rounds: int
    seconds: float
    versions: dict[str, str]
    results: list[Result]


def as_document(report: Report) -> dict[str, Any]:
    """Give what programs read: every value, the medians, the ratios, the targets."""
    return {
        "date": report.date,
        "machine": report.machine,
        "load_after": report.load_after,
        "rounds": report.rounds,
        "seconds": report.seconds,
        "versions": report.versions,
        "figures": [_figure(one) for one in report.results],
    }


def as_table(report: Report) -> str:
    """Give what people read: a table in Markdown, below it when, where and of what."""
    rows = [("figure", OURS, "beside it (times as good)", "target", ""), ("---",) * 5, *map(_row, report.results)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    facts = [
        f"{report.date}; medians of {report.rounds} rounds, {report.seconds:.0f} s in all.",
        f"{machine.cpu}, {machine.cores} cores, {machine.memory}; {machine.system}; {machine.file_system}.",
        f"Load before {machine.load}, after {report.load_after}. {versions}.",
    ]
    return "\n".join([*lines, "", *facts])


def _figure(result: Result) -> dict[str, Any]:
    figure = result.figure
    return {
        "name": figure.name,
        "title": figure.title,
        "unit": figure.unit,
        "more_is_better": figure.more,
        "medians": result.medians,
        "times_as_good": result.ratios,
        "targets": [{"bound": t.bound, "beside": t.beside, "reached": ok} for t, ok in result.verdicts()],
        "samples": result.samples,
    }


def _row(result: Result) -> tuple[str, ...]:
    unit, medians, ratios = result.figure.unit, result.medians, result.ratios
    others = [
        f"{name} {_number(value)} ({_number(ratios[name])}x)" for name, value in medians.items() if name in ratios
    ]
    verdicts = result.verdicts()
    return (
        result.figure.title,
        f"{_number(medians[OURS])} {unit}" if OURS in medians else "-",
        ", ".join(others) or "-",
        ", ".join(_text(target, result) for target, _ in verdicts) or "-",
        ", ".join("reached" if reached else "**missed**" for _, reached in verdicts),
    )


def _text(target: Target, result: Result) -> str:
    if target.beside is not None:
        return f"{target.bound:g}x {target.beside}"
    return f"{'at least' if result.figure.more else 'at most'} {target.bound:g} {result.figure.unit}"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def missed(results: Sequence[Result]) -> list[str]:
    """Name the figures that have missed a target."""
    return [one.figure.name for one in results if not all(reached for _, reached in one.verdicts())]
