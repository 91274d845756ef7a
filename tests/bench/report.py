"""What was found, as a document for programs and as a table for people."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, convert
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
    left_out
        Contestants that were not measured, and why.
    """

    date: str
    machine: Machine
    load_after: float
    rounds: int
    seconds: float
    versions: dict[str, str]
    results: list[Result]
    left_out: dict[str, str] = {}


def as_document(report: Report) -> dict[str, Any]:
    """Give what programs read: every value, the medians, the ratios, the targets."""
    return {
        "date": report.date,
        "machine": report.machine,
        "load_after": report.load_after,
        "rounds": report.rounds,
        "seconds": report.seconds,
        "versions": report.versions,
        "left_out": report.left_out,
        "figures": [_figure(one) for one in report.results],
    }


def from_document(document: dict[str, Any]) -> Report:
    """Read what `as_document` has made."""
    known = {name: document[name] for name in Report.__struct_fields__ if name in document}
    return convert(known | {"results": [_result(one) for one in document["figures"]]}, Report)


def fill_in(page: str, place: str, report: Report) -> str:
    """Put the table into its place in a page: between ``<!-- figures: PLACE -->`` and ``<!-- end -->``."""
    begin = f"<!-- figures: {place} -->\n"
    before, found, after = page.partition(begin)
    _, ended, rest = after.partition("<!-- end -->")
    if not found or not ended:
        raise ValueError(f"The page has no {begin.strip()} with <!-- end --> after it.")
    return f"{before}{begin}{as_table(report)}\n{ended}{rest}"


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
    gone = [f"Not measured: {name}: {reason.splitlines()[0]}" for name, reason in report.left_out.items()]
    return "\n".join([*lines, "", *facts, *gone])


def _result(one: dict[str, Any]) -> dict[str, Any]:
    kept = {name: one[name] for name in ("name", "title", "unit")}
    targets = [{"bound": target["bound"], "beside": target["beside"]} for target in one["targets"]]
    return {"figure": kept | {"more": one["more_is_better"], "targets": targets}, "samples": one["samples"]}


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
        f"{_number(medians[OURS])} {unit}".strip() if OURS in medians else "-",
        ", ".join(others) or "-",
        ", ".join(_text(target, result) for target, _ in verdicts) or "-",
        _verdict(result),
    )


def _text(target: Target, result: Result) -> str:
    if target.beside is not None:
        return f"{_number(target.bound)}x {target.beside}"
    return f"{'at least' if result.figure.more else 'at most'} {target.bound:g} {result.figure.unit}".strip()


def _verdict(result: Result) -> str:
    """Say whether the targets are reached, and for those that are not, by how much they are missed."""
    verdicts = result.verdicts()
    short = {target: _short(target, result) for target, reached in verdicts if not reached}
    if not short:
        return "reached" if verdicts else ""
    told = [f"{f'{target.beside} ' if target.beside else ''}by {share:.0%}" for target, share in short.items()]
    return f"**missed**: {', '.join(told)}"


def _short(target: Target, result: Result) -> float:
    """Say by what share a target is missed."""
    if target.beside is not None:
        return 1 - result.ratios[target.beside] / target.bound
    share = result.medians[OURS] / target.bound
    return 1 - share if result.figure.more else share - 1


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def missed(results: Sequence[Result]) -> list[str]:
    """Name the figures that have missed a target."""
    return [one.figure.name for one in results if not all(reached for _, reached in one.verdicts())]
