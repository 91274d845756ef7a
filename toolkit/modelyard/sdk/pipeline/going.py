"""One run of a pipeline that a runner looks after: what it knows of it, and how it goes on."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from modelyard.compute.ending import as_said
from modelyard.errors import NotFoundError
from modelyard.paging import every
from modelyard.pipelines.advance import EndedRun, PipelineAdvance, PipelineAdvanced
from modelyard.pipelines.graph import FromDataset, FromDatastore, FromOutput, Step
from modelyard.pipelines.key import Key
from modelyard.pipelines.operations import checked_parameters
from modelyard.pipelines.run import DONE, ENDED, CacheEntry, StepInfo, StepOutput, StepQuery
from modelyard.runner.holder import Lease
from modelyard.sdk.pipeline.computes import ComputeTargets
from modelyard.sdk.pipeline.decision import Decider, filled_in, from_outputs
from modelyard.sdk.pipeline.jobs import Jobs
from modelyard.sdk.pipeline.work import Outcome, Work
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.run import RunError, StatusChange
from modelyard.tracking.status import FINAL, Status

_LOOK = 0.5
"""Seconds after which it is looked whether the run is to be canceled, and whether others have left a slot."""
_LOST = 3
"""How often a step is tried again whose job was lost with what looked after it."""


class Going:
    """A run under the lease of this process."""

    def __init__(self, workspace: Workspace, run: str, lease: Lease, computes: ComputeTargets) -> None:
        self.lease = lease
        self._run = run
        self._workspace = workspace
        self._backend = workspace.backend
        look = self._backend.pipeline_progress.look(run)
        self._graph = look.graph
        self._options = look.info.options
        self._parameters = checked_parameters(look.graph, look.info.options.parameters)
        self._steps = list(look.steps)
        self._status: Status = look.info.run.status
        self._position = {step.name: at for at, step in enumerate(look.graph.steps)}
        self._before = [look.graph.before(step) for step in look.graph.steps]
        self._decider = Decider(self._backend, look.graph, look.info.options, self._parameters, self._resumed())
        self._work = Work(workspace, lease)
        self._jobs = Jobs(workspace, self._work, computes, look.info.options)
        self._given: dict[int, dict[str, StepOutput]] = {}
        self._computes = computes
        self._asked = 0.0
        self._freed = computes.freed
        self._again = {step.position: _moment(self._graph.steps[step.position], step) for step in self._steps}
        for step in self._steps:
            if step.state == "running":
                self._follow(step)

    def go_on(self) -> float | None:
        """Write down what has happened, begin what can begin, and wait for more; None when the run has ended."""
        changed: dict[int, StepInfo] = {}
        ended, entries = self._take_in(changed)
        if self._is_to_end:
            self._cancel(changed)
        else:
            self._turn(changed)
        self._write(changed, ended, entries)
        if self._status in FINAL and all(one.state in ENDED for one in self._steps):
            self._jobs.sweep(self._run)
            self._advance(is_done=True)  # last: who comes after one that was killed sweeps, too
            self.close()
            return None
        self._rest()
        return 0.0

    def close(self) -> None:
        """Leave jobs to whoever has the lease."""
        self._jobs.close()

    @property
    def _is_to_end(self) -> bool:
        """Whether nothing is to begin any more: it was asked to end, or somebody has said that it has ended."""
        return self._status == "CancelRequested" or self._status in FINAL

    def _resumed(self) -> dict[str, StepInfo]:
        if not self._options.resumed:
            return {}
        steps = every(lambda query: self._backend.pipelines.steps(self._options.resumed, query), StepQuery())
        return {step.name: step for step in steps}

    def _take_in(self, changed: dict[int, StepInfo]) -> tuple[list[EndedRun], list[CacheEntry]]:
        ended: list[EndedRun] = []
        entries: list[CacheEntry] = []
        for at, found in self._jobs.fetched():
            if isinstance(found, Exception):
                changed[at] = self._failed(at, found)
            else:
                self._given[at] = found
        for at, outcome in self._jobs.ended():
            self.lease.check()
            ended.append(self._ended(at, outcome, changed, entries))
        return ended, entries

    def _failed(self, at: int, error: Exception) -> StepInfo:
        problem = RunError(message=str(error), code=getattr(error, "code", "system"))
        return replace(self._steps[at], state="failed", error=problem, ended=time.time())

    def _ended(self, at: int, outcome: Outcome, changed: dict[int, StepInfo], entries: list[CacheEntry]) -> EndedRun:
        step, info = self._graph.steps[at], self._steps[at]
        ending = as_said(self._backend.runs.get(info.run), outcome.ending)
        now = time.time()
        info = replace(info, ended=now, error=ending.error)
        if ending.status == "Completed":
            changed[at] = replace(info, state="finished", outputs=outcome.outputs)
            key = Key(leaves=info.leaves).digest
            entries.append(CacheEntry(key=key, run=info.run, created=now, outputs=outcome.outputs))
        elif ending.status == "Canceled" or self._is_to_end:
            changed[at] = replace(info, state="canceled")
        elif outcome.lost and info.lost < _LOST:
            changed[at] = replace(info, state="waiting", lost=info.lost + 1)
        elif info.attempt - info.lost <= step.retries.count:
            changed[at] = replace(info, state="waiting", not_before=now + _pause(step, info))
            self._again[at] = time.monotonic() + _pause(step, info)
        else:
            changed[at] = replace(info, state="failed")
        return EndedRun(
            run=info.run,
            change=StatusChange(status=ending.status, error=ending.error),
            exit_status=ending.exit_status,
            outputs={name: output.tree for name, output in outcome.outputs.items()},
            files=outcome.files,
        )

    def _turn(self, changed: dict[int, StepInfo]) -> None:
        """Decide for every step that comes to its turn; those that are reused let others come to theirs."""
        stop = not self._options.continue_on_failure and any(one.state == "failed" for one in self._standing(changed))
        while True:
            wanted, keys = {}, self._keys(changed)
            for at in self._ready(changed, stop=stop):
                step = self._graph.steps[at]
                try:
                    kind = self._computes.info(step.compute).kind
                except NotFoundError as error:  # it was deleted meanwhile
                    changed[at] = self._failed(at, error)
                    continue
                if (given := self._inputs_of(at, changed)) is not None:
                    wanted[at] = (step, self._decider.key(step, given, keys, kind))
            if not wanted:
                break
            now = time.time()
            for at, decision in self._decider.decide(wanted).items():
                info = replace(
                    self._now(at, changed), leaves=decision.key.leaves, because=decision.because, detail=decision.detail
                )
                if decision.reused is None:
                    changed[at] = replace(info, state="queued", not_before=None)
                else:
                    reused = decision.reused
                    changed[at] = replace(info, state="reused", run=reused.run, outputs=reused.outputs, ended=now)

    def _ready(self, changed: dict[int, StepInfo], *, stop: bool) -> list[int]:
        """List the steps that wait for nothing any more; those that cannot come to their turn are skipped."""
        ready = []
        now = time.time()
        for at, before in enumerate(self._before):
            info = self._now(at, changed)
            if info.state == "queued" and stop:
                changed[at] = replace(info, state="skipped", ended=now)
            if info.state != "waiting":
                continue
            states = [self._now(self._position[name], changed).state for name in before]
            gone = [name for name, state in zip(before, states, strict=True) if state in ENDED - DONE]
            if gone or stop:
                detail = f"{gone[0]} did not succeed" if gone else "another step failed"
                changed[at] = replace(info, state="skipped", detail=detail, ended=now)
            elif all(state in DONE for state in states) and self._again[at] <= time.monotonic():
                ready.append(at)
        return ready

    def _inputs_of(self, at: int, changed: dict[int, StepInfo]) -> dict[str, StepOutput] | None:
        """Give what the inputs of a step hold; None while that is being found out."""
        step = self._graph.steps[at]
        if at not in self._given and any(
            isinstance(source, FromDatastore | FromDataset) for source in step.inputs.values()
        ):
            self._jobs.fetch(at, step)
            return None
        done = {name: self._now(self._position[name], changed) for name in self._before[at]}
        return from_outputs(step, done) | self._given.get(at, {})

    def _keys(self, changed: dict[int, StepInfo]) -> dict[str, str]:
        if all(step.reuse.by != "definition" for step in self._graph.steps):
            return {}
        return {one.name: Key(leaves=one.leaves).digest for one in self._standing(changed) if one.leaves}

    def _cancel(self, changed: dict[int, StepInfo]) -> None:
        now = time.time()
        for at in range(len(self._steps)):
            info = self._now(at, changed)
            if info.state == "running":
                self._computes.get(info.compute).end(self._work.place(info.run))
            elif info.state not in ENDED:
                changed[at] = replace(info, state="canceled", ended=now)

    def _write(self, changed: dict[int, StepInfo], ended: list[EndedRun], entries: list[CacheEntry]) -> None:
        queued = [one for one in self._standing(changed) if one.state == "queued"]
        slots = {name: self._computes.slots(name) for name in {one.compute for one in queued}}
        begin = [one for name, count in slots.items() for one in [q for q in queued if q.compute == name][:count]]
        if self._is_to_end:
            begin = []
        changes = tuple(self._changes(changed))
        waited = time.monotonic() > self._asked + _LOOK
        called, self._freed = self._freed.done(), self._computes.freed
        if not (changed or ended or changes or (begin and (waited or called))):
            return
        self._asked = time.monotonic()
        places = [(step.position, step.run) for step in self._steps if step.run in {one.run for one in ended}]
        advanced = self._advance(
            steps=tuple(changed.values()),
            begin=tuple(begin),
            slots=slots,
            inputs={one.position: trees for one in begin if (trees := self._fetched(one))},
            waited=waited and not (called or changed or ended),
            ended=tuple(ended),
            entries=tuple(entries),
            changes=changes,
        )
        self._status = advanced.status
        if len(advanced.begun) < len(ended):
            self._freed = self._computes.free()
        for info in (*changed.values(), *advanced.begun):
            self._steps[info.position] = info
        for info in advanced.begun:
            self._follow(info)
        for at, run in places:
            self._jobs.clear(self._steps[at].compute, run)

    def _advance(self, **what: Any) -> PipelineAdvanced:
        self.lease.check()
        advance = PipelineAdvance(token=self.lease.token, machine=platform.node(), **what)
        return self._backend.pipeline_progress.advance(self._run, advance)

    def _changes(self, changed: dict[int, StepInfo]) -> Iterator[StatusChange]:
        """Say what becomes of the run."""
        if self._status == "Queued":
            yield StatusChange(status="Running")
        standing = self._standing(changed)
        if self._status not in FINAL and all(one.state in ENDED for one in standing):
            yield self._end(standing)

    def _end(self, standing: list[StepInfo]) -> StatusChange:
        failures = [one for one in standing if one.state == "failed"]
        if self._status == "CancelRequested" or (not failures and any(one.state == "canceled" for one in standing)):
            return StatusChange(status="Canceled")
        if not failures:
            return StatusChange(status="Completed")
        why = "" if failures[0].error is None else f": {failures[0].error.message}"
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        error = RunError(message=f"Step {failures[0].name!r} failed{more}{why}", code="step-failed")
        return StatusChange(status="Failed", error=error)

    def _follow(self, info: StepInfo) -> None:
        step = filled_in(self._graph.steps[info.position], self._parameters)
        self._jobs.follow(info.position, step, info.run, self._given_to(step, info))

    def _given_to(self, step: Step, info: StepInfo) -> dict[str, StepOutput]:
        """Give the inputs that a step was decided with: its leaves name them, but for reuse by definition."""
        given = from_outputs(step, {one.name: one for one in self._steps if one.outputs})
        if step.reuse.by == "definition":
            return self._given.get(info.position, {}) | given
        for name, source in step.inputs.items():
            if isinstance(source, FromDatastore | FromDataset):
                tree, _, path = str(info.leaves[f"inputs/{name}"]).partition("/")
                given[name] = StepOutput(tree=tree, path=path)
        return given

    def _fetched(self, info: StepInfo) -> dict[str, str]:
        """Name the trees that a step reads which no step has written."""
        step = self._graph.steps[info.position]
        outside = {name for name, source in step.inputs.items() if not isinstance(source, FromOutput)}
        return (
            {name: one.tree for name, one in self._given_to(step, info).items() if name in outside} if outside else {}
        )

    def _now(self, at: int, changed: dict[int, StepInfo]) -> StepInfo:
        return changed.get(at) or self._steps[at]

    def _standing(self, changed: dict[int, StepInfo]) -> list[StepInfo]:
        return [changed.get(one.position, one) for one in self._steps]

    def _rest(self) -> None:
        """Wait until something has happened, for a moment at most; then see whether the run is to be canceled."""
        pauses = [self._again[at] for at, one in enumerate(self._steps) if one.not_before and one.state == "waiting"]
        longest = max(0.0, min([_LOOK, *(again - time.monotonic() for again in pauses)]))
        queued = any(one.state == "queued" for one in self._steps)
        done = self._jobs.wait(longest, [self._freed] if queued else [])
        if not done and not self._is_to_end:
            self._status = self._backend.runs.get(self._run).status


def _pause(step: Step, info: StepInfo) -> float:
    """Give the seconds until a step that has failed is tried again."""
    return step.retries.delay * step.retries.factor ** (info.attempt - info.lost - 1)


def _moment(step: Step, info: StepInfo) -> float:
    """Say when a step may begin, by this process's own clock: the machine's may have been set meanwhile."""
    if info.not_before is None:
        return 0.0
    return time.monotonic() + min(max(0.0, info.not_before - time.time()), _pause(step, info))
