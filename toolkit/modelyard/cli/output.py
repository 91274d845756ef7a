"""What a command prints: a table for people, JSON for programs, from one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
import msgspec

from modelyard.sdk.workspace import Workspace

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
where = click.option(
    "-w", "--workspace", "where", metavar="FOLDER|URL", envvar="MODELYARD_WORKSPACE", help="By default the nearest one."
)


@contextmanager
def opened(where: str | None) -> Iterator[Workspace]:
    """Open the workspace that an option or the working directory names."""
    with Workspace.open(where) if where else Workspace.from_config() as workspace:
        yield workspace


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table, or the sentence `empty` if it has no rows."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a pipe has no width: do not fold what a program or a file receives
    console.print(table if table.row_count else empty)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values, a line each."""
    listed = list(facts)
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {'' if value is None else value}")


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """Show a progress bar on stderr if that is a terminal; call what it yields with an advance and a text."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda advance, text: bar.update(task, advance=advance, description=f"{label} {text}"[:60])


@contextmanager
def spinner(label: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done on stderr if that is a terminal; call what it yields with each new line."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status(label) as status:
        yield lambda text: status.update(f"{label}: {text}")
