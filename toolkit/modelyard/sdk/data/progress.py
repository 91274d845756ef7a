"""A bar on the terminal while files are on their way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modelyard.data.transfer import Seen


@contextmanager
def shown(label: str, total: int, *, show: bool) -> Iterator[Seen]:
    """Show a bar of `total` bytes on stderr, if `show` is set and that is a terminal; call what it yields."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (show and console.is_terminal)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda size, path: bar.update(task, advance=size, description=f"{label} {path}"[:60])
