"""``modelyard run compare``: how two runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from modelyard.cli.output import as_json, opened, print_json, print_table, where
from modelyard.sdk.run.comparison import Change, Comparison, FileChange, compare
from modelyard.sdk.run.run import Run


@click.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--diff", is_flag=True, help="Show the changes of small text files line by line.")
@where
@as_json
def compare_(first: str, second: str, diff: bool, where: str | None, as_json: bool) -> None:
    """Show how the run SECOND differs from the run FIRST.

    \b
    Example:
      modelyard run compare digits_1 digits_2 --diff
    """
    with opened(where) as workspace:
        found = compare(Run.get(workspace, first), Run.get(workspace, second), text=diff)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Comparison) -> None:
    same = True
    for title, changes in (
        ("Given", found.given),
        ("Parameters", found.parameters),
        ("Inputs", found.inputs),
        ("Tags", found.tags),
        ("Git", found.git),
    ):
        if changes:
            same = False
            _section(title)
            print_table(("", *found.runs), [_row(change) for change in changes], "")
    if found.metrics:
        _section("Metrics")
        print_table(("", *found.runs, "difference"), [(*_row(c), _number(c.difference)) for c in found.metrics], "")
    for title, lines in (("Code", list(_code(found.code))), ("Environment", _environment(found))):
        if lines:
            same = False
            _section(title)
            click.echo("\n".join(lines))
    if same:
        click.echo("What they were given, their code and their environments are the same, as far as they are known.")


def _section(title: str) -> None:
    click.echo(click.style(title, bold=True))


def _row(change: Change) -> tuple[str, str, str]:
    return change.name, _number(change.before), _number(change.after)


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _code(changes: Sequence[FileChange] | None) -> Iterator[str]:
    if changes is None:
        yield "not known: one of them keeps no snapshot"
    for change in changes or ():
        mark = "+" if change.before is None else "-" if change.after is None else "~"
        yield f"{mark} {change.path}"
        yield from change.diff.splitlines()


def _environment(found: Comparison) -> list[str]:
    if found.environment is None:
        return ["not known: one of them keeps no environment"]
    return str(found.environment).splitlines()
