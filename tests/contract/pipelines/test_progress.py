"""Runs of pipelines and what runners write of them, over every backend."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidParametersError, InvalidPipelineError, LeaseLostError, NotFoundError
from modelyard.pipelines.graph import FromOutput, Graph, Output, Parameter, Step
from modelyard.pipelines.progress import (
    CacheKeys,
    EndedRun,
    KeptOutputs,
    PipelineAdvance,
    PipelineAdvanced,
    PipelineDueQuery,
)
from modelyard.pipelines.run import CacheEntry, NewPipelineRun, Options, StepInfo, StepOutput, StepQuery
from modelyard.pipelines.wholeness import Fault
from modelyard.runner.lease import AcquireLease
from modelyard.store.garbage import CollectGarbage
from modelyard.store.tree import Entry, Tree
from modelyard.tracking.run import NewExperiment, RunQuery, StatusChange

HERE = "here"


def _graph(steps: int = 6) -> Graph:
    parameters = {"alpha": Parameter(default=1)}
    return Graph(steps=tuple(Step(name=f"step {at}", command=("true",)) for at in range(steps)), parameters=parameters)


class Running:
    """A run, and who looks after it."""

    def __init__(self, backend: Backend, steps: int = 6, **options: Any) -> None:
        backend.experiments.create(NewExperiment(name="e"))
        self._backend = backend
        new = NewPipelineRun(experiment="e", graph=_graph(steps), options=Options(**options))
        self.id = backend.pipelines.submit(new).run.id
        self._token = backend.leases.acquire(f"pipeline:{self.id}", AcquireLease(holder="a runner")).token

    @property
    def steps(self) -> tuple[StepInfo, ...]:
        """All steps."""
        return self._backend.pipeline_progress.look(self.id).steps

    def ask(self, slots: int = 2, ending: Sequence[StepInfo] = (), **more: Any) -> PipelineAdvanced:
        """Ask for slots for all steps that have not begun, and end some that have."""
        queued = [replace(one, state="queued") for one in self.steps if one.state in ("waiting", "queued")]
        ended = [replace(one, state="finished") for one in ending]
        given = {
            "token": self._token,
            "steps": (*queued, *ended),
            "begin": tuple(queued),
            "slots": {"local": slots},
            "ended": tuple(EndedRun(run=one.run, change=StatusChange(status="Completed")) for one in ended),
        }
        return self._backend.pipeline_progress.advance(self.id, PipelineAdvance(machine=HERE, **{**given, **more}))


def test_a_run_is_due_with_its_steps_until_it_has_ended(backend: Backend) -> None:
    run = Running(backend)
    assert backend.pipeline_progress.due(PipelineDueQuery(machine="anywhere")).runs == (run.id,)

    begun = run.ask(slots=9, changes=(StatusChange(status="Running"),)).begun
    assert backend.pipeline_progress.due(PipelineDueQuery(machine="elsewhere")).runs == ()
    advanced = run.ask(ending=begun, changes=(StatusChange(status="Completed"),))

    assert (advanced.status, advanced.is_open) == ("Completed", False)
    assert backend.pipeline_progress.due(PipelineDueQuery(machine=HERE)).runs == ()
    children = backend.runs.list(RunQuery(parent=run.id, descending=False)).items
    assert [(one.display_name, one.status) for one in children] == [(f"step {at}", "Completed") for at in range(6)]


def test_steps_are_listed_in_pages(backend: Backend) -> None:
    run = Running(backend)
    first = backend.pipelines.steps(run.id, StepQuery(limit=4))
    second = backend.pipelines.steps(run.id, StepQuery(limit=4, cursor=first.cursor))

    assert [one.position for one in (*first.items, *second.items)] == list(range(6))
    assert second.cursor is None


def test_what_cannot_run_is_not_written_down(backend: Backend) -> None:
    backend.experiments.create(NewExperiment(name="e"))
    cycle = Graph(steps=(Step(name="a", command=("true",), after=("a",)),))
    read = {"x": FromOutput(step="a", output="y")}
    unknown = Graph(steps=(Step(name="a", command=("true",), outputs={"z": Output()}), Step(name="b", inputs=read)))
    for graph in (cycle, unknown):
        with pytest.raises(InvalidPipelineError):
            backend.pipelines.submit(NewPipelineRun(experiment="e", graph=graph))
    wrong = NewPipelineRun(experiment="e", graph=_graph(), options=Options(parameters={"alpha": "x", "beta": 1}))
    with pytest.raises(InvalidParametersError, match=r"The pipeline takes: alpha \(int\)") as no:
        backend.pipelines.submit(wrong)

    assert len(no.value.wrong) == 2
    assert backend.runs.list(RunQuery(experiment="e")).items == ()


def test_who_has_lost_the_lease_writes_nothing(backend: Backend) -> None:
    run = Running(backend)
    with pytest.raises(LeaseLostError):
        run.ask(token=7)
    with pytest.raises(NotFoundError):
        backend.pipeline_progress.look("e_2")

    assert {one.state for one in run.steps} == {"waiting"}
    assert backend.runs.list(RunQuery(parent=run.id)).items == ()


def test_a_slot_goes_from_run_to_run_where_there_are_fewer_than_runs(backend: Backend) -> None:
    runs = [Running(backend) for _ in range(3)]
    running = [run.ask().begun for run in runs]
    assert [len(one) for one in running] == [2, 0, 0]

    order = []
    for _ in range(4):
        having = next(at for at, one in enumerate(running) if one)
        ended, running[having] = running[having][0], running[having][1:]
        for at in (having, *(other for other in range(3) if other != having)):
            begun = runs[at].ask(ending=[ended] if at == having else []).begun
            running[at] = (*running[at], *begun)
            order += [at] * len(begun)

    assert set(order) == {0, 1, 2}
    assert sorted(map(len, running)) in ([0, 1, 1], [0, 0, 2])


def test_slots_that_others_do_not_take_are_given_to_who_waited(backend: Backend) -> None:
    first, second = Running(backend), Running(backend)
    begun = first.ask(slots=1).begun
    assert second.ask(slots=1).begun == ()
    assert first.ask(slots=1, ending=begun).begun == ()

    assert len(first.ask(slots=1, waited=True).begun) == 1


def test_a_run_alone_has_all_slots_and_no_more(backend: Backend) -> None:
    run = Running(backend)
    begun = run.ask(slots=4).begun
    again = run.ask(slots=4, ending=begun[:1]).begun

    assert [one.position for one in begun] == [0, 1, 2, 3]
    assert [one.position for one in again] == [4]


def test_a_run_that_was_ended_by_somebody_else_is_due_until_its_steps_have_ended(backend: Backend) -> None:
    run = Running(backend)
    begun = run.ask(changes=(StatusChange(status="Running"),)).begun
    backend.runs.change_status(run.id, StatusChange(status="Failed"))
    backend.runs.change_status(begun[0].run, StatusChange(status="Failed"))

    gone = [replace(one, state="canceled") for one in run.steps if one.state == "queued"]
    first = run.ask(begin=(), steps=tuple(gone), changes=(StatusChange(status="Running"),))
    last = run.ask(ending=begun, begin=(), changes=(StatusChange(status="Canceled"),))

    assert (first.status, first.is_open) == ("Failed", True)
    assert (last.status, last.is_open) == ("Failed", False)
    assert [backend.runs.get(one.run).status for one in begun] == ["Failed", "Completed"]


def test_the_newest_with_a_key_is_found(backend: Backend) -> None:
    run = Running(backend)
    outputs = {"model": StepOutput(tree="0" * 64)}
    for created in (1.0, 2.0):
        run.ask(entries=(CacheEntry(key="a" * 64, run=run.id, created=created, outputs=outputs),))

    (entry,) = backend.pipeline_progress.cached(CacheKeys(keys=("a" * 64, "b" * 64))).entries
    assert (entry.created, entry.outputs) == (2.0, outputs)


def test_the_run_of_a_step_keeps_what_it_reads_and_writes(backend: Backend) -> None:
    trees = []
    for text in (b"read", b"written"):
        entry = Entry(path="x", sha256=backend.blobs.put(text), size=len(text))
        trees.append(backend.trees.create(Tree.of([entry])).digest)
    run = Running(backend, steps=1)
    begun = run.ask(inputs={0: {"rows": trees[0], "gone": "0" * 64}}).begun
    end = EndedRun(run=begun[0].run, change=StatusChange(status="Completed"), outputs={"model": trees[1]})
    run.ask(ending=begun, ended=(end,))

    assert backend.garbage.collect(CollectGarbage(older_than=-1.0)).blobs == 0
    assert backend.runs.get(begun[0].run).digests == {"input:rows": trees[0], "output:model": trees[1]}


def test_what_is_not_whole_any_more_is_told(backend: Backend) -> None:
    tree = Tree.of([Entry(path="x", sha256=backend.blobs.put(b"kept"), size=4)])
    there = {"model": StepOutput(tree=backend.trees.create(tree).digest)}
    gone = {"model": StepOutput(tree="0" * 64)}

    faults = backend.pipeline_progress.faults(KeptOutputs(outputs=(there, gone, {}))).faults

    assert faults == (None, Fault(because="missing", detail="output 'model'"), None)
