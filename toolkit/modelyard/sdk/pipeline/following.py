"""Waiting for the end of a pipeline's run, with its steps on the screen if asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from modelyard.errors import RunFailedError, WaitTimeoutError
from modelyard.pipelines.run import ENDED, StepInfo, StepState
from modelyard.sdk.run.waiting import reason
from modelyard.sdk.runner import ensure_runner
from modelyard.tracking.status import FINAL

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.run import PipelineRun

_SHORTEST, _LONGEST = 0.05, 1.0
"""Seconds between two looks: it begins with the one and grows to the other."""
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


def follow(run: PipelineRun, *, show_output: bool, raise_on_error: bool, timeout: float | None) -> None:
    """Return when `run` has ended.

    Raises
    ------
    RunFailedError
        If it did not complete, and `raise_on_error` is set.
    RunnerNotStartedError
        If no runner can be started.
    WaitTimeoutError
        If it has not ended after `timeout` seconds.
    """
    if run.info.status not in FINAL:
        ensure_runner(run.workspace)
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = _SHORTEST
    screen: AbstractContextManager[Show] = _screen(run) if show_output else nullcontext(lambda _: None)
    with screen as show:
        while True:
            info = run.info
            if show_output:
                show(run.step_infos())
            if info.status in FINAL:
                break
            if deadline is not None and time.monotonic() >= deadline:
                raise WaitTimeoutError(f"the end of {run.id}", timeout or 0.0)
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST)
    if raise_on_error and info.status != "Completed":
        raise RunFailedError(info.id, info.status, reason(info))


def _screen(run: PipelineRun) -> AbstractContextManager[Show]:
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
        for found in self._run.find_step_run(step.name):
            return next(iter(found.get_stdout_log().rstrip().splitlines()[-1:]), "")
        return ""


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
