"""What threads of a runner do for one run: they follow jobs to their ends, and fetch inputs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any

from modelyard.compute.ending import failed
from modelyard.environments.lock import Lock
from modelyard.errors import ModelyardError
from modelyard.pipelines.graph import Step
from modelyard.pipelines.run import Options, StepOutput
from modelyard.sdk.pipeline.computes import ComputeTargets
from modelyard.sdk.pipeline.decision import local_python
from modelyard.sdk.pipeline.work import Outcome, Work, job_of
from modelyard.sdk.workspace import Workspace

_AT_ONCE = 64

Inputs = Mapping[str, StepOutput]


class Jobs:
    """The jobs of a run that are followed here, and the inputs that are fetched; by the positions of their steps."""

    def __init__(self, workspace: Workspace, work: Work, computes: ComputeTargets, options: Options) -> None:
        self._workspace = workspace
        self._work = work
        self._computes = computes
        self._options = options
        self._pool = ThreadPoolExecutor(_AT_ONCE, "job")
        self._following: dict[Future[Outcome | None], int] = {}
        self._fetching: dict[Future[dict[str, StepOutput]], int] = {}
        self._clearing: list[Future[None]] = []

    def follow(self, at: int, step: Step, run: str, given: Inputs) -> None:
        """Run the job of a step to its end, or go on with one that runs.

        Parameters
        ----------
        step
            With its parameters filled in.
        given
            What its inputs hold; those that are not there are fetched first.
        """
        self._following[self._pool.submit(self._done, step, run, given)] = at

    def fetch(self, at: int, step: Step) -> None:
        """Fetch the inputs of a step, unless that is being done."""
        if at not in self._fetching.values():
            self._fetching[self._pool.submit(self._work.inputs, step)] = at

    def ended(self) -> Iterator[tuple[int, Outcome]]:
        """Give what has ended since this was asked last."""
        for future in [future for future in self._following if future.done()]:
            at = self._following.pop(future)
            if (outcome := future.result()) is not None:
                yield at, outcome

    def fetched(self) -> Iterator[tuple[int, dict[str, StepOutput] | ModelyardError | OSError]]:
        """Give what has been fetched since this was asked last, or why it could not be."""
        for future in [future for future in self._fetching if future.done()]:
            at = self._fetching.pop(future)
            try:
                yield at, future.result()
            except (ModelyardError, OSError) as error:
                yield at, error

    def clear(self, compute: str, run: str) -> None:
        """Remove the files of a job that has ended, meanwhile."""
        self._clearing.append(self._pool.submit(self._computes.get(compute).clear, self._work.place(run)))

    def sweep(self, run: str) -> None:
        """Remove what is left of the jobs of a run that has ended, also those that a runner left that was killed."""
        wait_for(self._clearing)
        self._work.sweep(self._computes, run)

    def wait(self, seconds: float, others: Sequence[Future[None]]) -> bool:
        """Wait until something has ended or was fetched, or one of `others` is done; say whether that is so."""
        waiting: list[Future[Any]] = [*self._following, *self._fetching, *others]
        if not waiting:
            time.sleep(seconds)
            return False
        return bool(wait_for(waiting, seconds, FIRST_COMPLETED).done)

    def close(self) -> None:
        """Leave jobs to whoever has the lease; threads end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, step: Step, run: str, given: Inputs) -> Outcome | None:
        try:
            inputs = {**(self._work.inputs(step) if given.keys() < step.inputs.keys() else {}), **given}
            lock = Lock.from_json(self._workspace.backend.blobs.read(step.environment)) if step.environment else None
            job = job_of(self._workspace, step, run, inputs, local_python(self._options, sys.executable), lock)
            return self._work.follow(self._computes.get(step.compute), job, step)
        except (ModelyardError, OSError) as error:
            return Outcome(ending=failed(str(error), getattr(error, "code", "system")))
