"""Waiting for the end of a pipeline's run, with its steps on the screen if asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from modelyard.errors import RunFailedError, WaitTimeoutError
from modelyard.pipelines.run import StepInfo
from modelyard.sdk.run.waiting import reason
from modelyard.sdk.runner import ensure_runner
from modelyard.tracking.status import FINAL

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.run import PipelineRun

_SHORTEST, _LONGEST = 0.05, 1.0
"""Seconds between two looks: it begins with the one and grows to the other."""
_ASK = 5.0
"""Seconds after which it is made sure again that a runner looks after the workspace."""


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
    asked = float("-inf")
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = _SHORTEST
    shown: AbstractContextManager[Callable[[list[StepInfo]], None] | None] = nullcontext()
    if show_output:
        from modelyard.sdk.pipeline.screen import screen  # loads rich

        shown = screen(run)
    with shown as show:
        while True:
            info = run.info
            if show is not None:
                show(run.step_infos())
            if info.status in FINAL:
                break
            if deadline is not None and time.monotonic() >= deadline:
                raise WaitTimeoutError(f"the end of {run.id}", timeout or 0.0)
            if time.monotonic() >= asked + _ASK:
                ensure_runner(run.workspace)
                asked = time.monotonic()
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST)
    if raise_on_error and info.status != "Completed":
        raise RunFailedError(info.id, info.status, reason(info, "pipeline show"))
