"""How it stands with the steps of a run, on the screen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from modelyard.pipelines.run import ENDED, StepInfo, StepState
from modelyard.sdk.pipeline.step_run import StepRun

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.run import PipelineRun

_MARKS: dict[StepState, tuple[str, str]] = {
    "waiting": ("·", "dim"),
    "queued": ("○", "dim"),
    "running": ("●", "cyan"),
    "finished": ("✓", "green"),
    "reused": ("↺", "green"),
    "failed": ("✗", "red"),
    "canceled": ("-", "yellow"),
    "skipped": ("-", "dim"),
}

Show = Callable[[list[StepInfo]], None]


def screen(run: PipelineRun) -> AbstractContextManager[Show]:
    """Make what shows steps: on a terminal a tree that changes, elsewhere a line for each change."""
    console = Console(file=sys.stdout)
    return _Tree(run, console) if console.is_terminal else _Lines()


class _Lines:
    """Prints a line for each step whose state has changed."""

    def __init__(self) -> None:
        self._seen: dict[int, StepState] = {}

    def __enter__(self) -> Show:
        return self._show

    def __exit__(self, *_: object) -> None:
        return

    def _show(self, steps: list[StepInfo]) -> None:
        for step in steps:
            if self._seen.get(step.position, "waiting") != step.state:
                self._seen[step.position] = step.state
                print(f"{step.name}: {step.state}{_more(step)}", flush=True)  # noqa: T201 - what was asked for


class _Tree:
    """Shows all steps, and the last line of the log of each that runs."""

    def __init__(self, run: PipelineRun, console: Console) -> None:
        self._run = run
        self._live = Live(console=console, refresh_per_second=4)

    def __enter__(self) -> Show:
        self._live.__enter__()
        return self._show

    def __exit__(self, *given: object) -> None:
        self._live.__exit__(None, None, None)

    def _show(self, steps: list[StepInfo]) -> None:
        tree = Tree(Text(f"{self._run.id} ({sum(one.state in ENDED for one in steps)} of {len(steps)} steps)"))
        for step in steps:
            mark, style = _MARKS[step.state]
            branch = tree.add(Text(f"{mark} {step.name}  {step.state}{_more(step)}", style=style))
            if step.state == "running" and (last := self._last_line(step)):
                branch.add(Text(last[:200], style="dim"))
        self._live.update(tree)

    def _last_line(self, step: StepInfo) -> str:
        log = StepRun(self._run, step).get_stdout_log()
        return next(iter(log.rstrip().splitlines()[-1:]), "")


def _more(step: StepInfo) -> str:
    parts = []
    if step.started is not None and step.state != "reused":
        parts.append(f"{(step.ended or time.time()) - step.started:.1f} s")
    if step.attempt > 1:
        parts.append(f"attempt {step.attempt}")
    if step.state in ("reused", "skipped") and (step.run or step.detail):
        parts.append(step.detail or f"of {step.run}")
    if step.error is not None:
        parts.append(step.error.message)
    return f" ({', '.join(parts)})" if parts else ""
