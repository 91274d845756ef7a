"""What runs of pipelines share, and what they keep, over every backend."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from modelyard.backend.backend import Backend
from modelyard.pipelines.advance import EndedRun, KeptOutputs, PipelineAdvance, PipelineAdvanced
from modelyard.pipelines.graph import Graph, Parameter, Step
from modelyard.pipelines.run import NewPipelineRun, Options, StepInfo, StepOutput
from modelyard.pipelines.wholeness import Fault
from modelyard.runner.lease import AcquireLease
from modelyard.store.garbage import CollectGarbage
from modelyard.store.tree import Entry, Tree
from modelyard.tracking.run import NewExperiment, StatusChange

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


def test_what_becomes_of_a_run_gives_way_to_what_others_have_said(backend: Backend) -> None:
    run = Running(backend)
    backend.runs.change_status(run.id, StatusChange(status="CancelRequested"))
    assert run.ask(begin=(), changes=(StatusChange(status="Running"),)).status == "CancelRequested"

    backend.runs.change_status(run.id, StatusChange(status="Failed"))
    assert run.ask(begin=(), changes=(StatusChange(status="Canceled"),)).status == "Failed"


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
