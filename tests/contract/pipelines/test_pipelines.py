"""The records of runs of pipelines, over every backend."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from modelyard.backend.backend import Backend
from modelyard.errors import LeaseLostError, MissingBlobError, ModelyardError, NotFoundError
from modelyard.paging import every
from modelyard.pipelines.advance import (
    CacheKeys,
    EndedRun,
    PipelineAdvance,
    PipelineAdvanced,
    PipelineDueQuery,
)
from modelyard.pipelines.errors import InvalidParametersError, InvalidPipelineError
from modelyard.pipelines.graph import Graph, Parameter, Step
from modelyard.pipelines.run import CacheEntry, NewPipelineRun, Options, StepInfo, StepOutput, StepQuery
from modelyard.runner.lease import AcquireLease, ReleaseLease
from modelyard.store.tree import Tree
from modelyard.tracking.run import NewExperiment, RunQuery, StatusChange

HERE = PipelineDueQuery(machine="here")
MANY = tuple(Step(name=f"step {number}", command=("true",)) for number in range(5))


def _new(*steps: Step, parameters: dict[str, Parameter] | None = None, **options: Any) -> NewPipelineRun:
    graph = Graph(steps=steps or MANY, parameters=parameters or {})
    return NewPipelineRun(experiment="flows", graph=graph, options=Options(**options))


@pytest.fixture(autouse=True)
def _experiment(backend: Backend) -> None:
    backend.experiments.create(NewExperiment(name="flows"))


class Looking:
    """A run that a runner looks after."""

    def __init__(self, backend: Backend, new: NewPipelineRun) -> None:
        self.backend = backend
        self.run = backend.pipelines.submit(new).run.id
        self.token = backend.leases.acquire(f"pipeline:{self.run}", AcquireLease(holder="a runner")).token

    @property
    def steps(self) -> tuple[StepInfo, ...]:
        return self.backend.pipelines.steps(self.run, StepQuery()).items

    def advance(self, **what: Any) -> PipelineAdvanced:
        advance = PipelineAdvance(token=self.token, machine="here", **what)
        return self.backend.pipeline_progress.advance(self.run, advance)

    def begin(self, slots: int) -> tuple[StepInfo, ...]:
        """Ask for slots for all steps that wait."""
        queued = tuple(replace(one, state="queued") for one in self.steps if one.state in ("waiting", "queued"))
        return self.advance(steps=queued, begin=queued, slots={"local": slots}).begun


def test_a_run_begins_with_all_its_steps_waiting(backend: Backend) -> None:
    new = replace(_new(parameters={"rate": Parameter(default=0.5)}), options=Options(parameters={"rate": 1}))
    info = backend.pipelines.submit(new)

    assert (info.run.type, info.run.status, info.run.parameters) == ("pipeline", "Queued", {"rate": 1})
    assert backend.pipelines.get(info.run.id) == info
    look = backend.pipeline_progress.look(info.run.id)
    assert (look.info, look.graph) == (info, new.graph)
    assert [(one.name, one.state) for one in look.steps] == [(one.name, "waiting") for one in MANY]
    assert info.run.id in backend.pipeline_progress.due(HERE).runs


def test_steps_come_in_pages_of_any_size(backend: Backend) -> None:
    run = backend.pipelines.submit(_new()).run.id

    for limit in (1, 2, 5, 6):
        paged = every(lambda query: backend.pipelines.steps(run, query), StepQuery(limit=limit))
        assert [one.position for one in paged] == list(range(5))


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (_new(MANY[0], MANY[0]), InvalidPipelineError),
        (_new(replace(MANY[0], after=("step 1",)), replace(MANY[1], after=("step 0",))), InvalidPipelineError),
        (_new(replace(MANY[0], script="a.py")), InvalidPipelineError),
        (_new(replace(MANY[0], command=("a\0",))), InvalidPipelineError),
        (_new(replace(MANY[0], timeout=-1.0)), InvalidPipelineError),
        (_new(replace(MANY[0], compute="none")), NotFoundError),
        (_new(replace(MANY[0], script="a.py", code="0" * 64)), MissingBlobError),
        (_new(resumed="flows_99"), NotFoundError),
    ],
)
def test_what_cannot_run_is_refused_and_leaves_nothing(
    backend: Backend, new: NewPipelineRun, error: type[ModelyardError]
) -> None:
    with pytest.raises(error):
        backend.pipelines.submit(new)

    assert backend.runs.list(RunQuery()).items == ()
    assert backend.pipeline_progress.due(HERE).runs == ()


@pytest.mark.parametrize("given", [{"other": 1}, {"rate": "x"}, {"rate": True}])
def test_a_parameter_of_another_name_or_type_is_refused(backend: Backend, given: dict[str, Any]) -> None:
    new = replace(_new(parameters={"rate": Parameter(default=0.5)}), options=Options(parameters=given))

    with pytest.raises(InvalidParametersError, match=r"The pipeline takes: rate \(float\)"):
        backend.pipelines.submit(new)


def test_slots_are_given_out_once(backend: Backend) -> None:
    one, other = Looking(backend, _new()), Looking(backend, _new())

    first = one.begin(4)
    second = other.begin(4)
    third = one.begin(4)

    assert ([step.position for step in first], second, third) == ([0, 1, 2, 3], (), ())
    assert {step.attempt for step in first} == {1}
    children = backend.runs.list(RunQuery(parent=one.run)).items
    assert {child.id for child in children} == {step.run for step in first}
    use = backend.computes.get("local").use
    assert (use.running, use.waiting) == (4, 6)


def test_runs_that_wait_share_the_slots(backend: Backend) -> None:
    one, other = Looking(backend, _new()), Looking(backend, _new())
    other.begin(0)

    assert len(one.begin(4)) == 2
    assert len(other.begin(4)) == 2
    assert one.begin(4) == other.begin(4) == ()


def test_runners_that_ask_at_once_get_no_slot_twice(backend: Backend) -> None:
    looking = [Looking(backend, _new()) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        begun = list(pool.map(lambda one: one.begin(3), looking))

    assert 1 <= sum(map(len, begun)) <= 3


def test_a_runner_that_has_lost_its_lease_changes_nothing(backend: Backend) -> None:
    looking = Looking(backend, _new())
    key = f"pipeline:{looking.run}"
    backend.leases.release(key, ReleaseLease(token=looking.token))
    backend.leases.acquire(key, AcquireLease(holder="another"))
    before = backend.pipeline_progress.look(looking.run)

    with pytest.raises(LeaseLostError):
        looking.begin(4)
    with pytest.raises(LeaseLostError):
        looking.advance(changes=(StatusChange(status="Completed"),), is_done=True)
    assert backend.pipeline_progress.look(looking.run) == before
    assert backend.runs.list(RunQuery(parent=looking.run)).items == ()


def test_an_end_is_written_with_all_that_belongs_to_it_or_not_at_all(backend: Backend) -> None:
    looking = Looking(backend, _new(MANY[0]))
    (step,) = looking.begin(1)
    tree = backend.trees.create(Tree(entries=())).digest
    outputs = {"rows": StepOutput(tree=tree)}
    ended = EndedRun(run=step.run, change=StatusChange(status="Completed"), exit_status=0, outputs={"rows": tree})
    end = {
        "steps": (replace(step, state="finished", outputs=outputs),),
        "ended": (ended,),
        "entries": (CacheEntry(key="a" * 64, run=step.run, created=1.5, outputs=outputs),),
    }
    wanted = CacheKeys(keys=("a" * 64, "b" * 64))
    unknown = EndedRun(run="flows_99", change=StatusChange(status="Completed"))
    with pytest.raises(NotFoundError):
        looking.advance(**{**end, "ended": (ended, unknown)}, changes=(StatusChange(status="Completed"),))
    assert (looking.steps[0].state, backend.runs.get(step.run).status) == ("running", "Running")
    assert backend.pipeline_progress.cached(wanted).entries == ()

    status = looking.advance(**end, changes=(StatusChange(status="Completed"),)).status

    assert (status, looking.steps[0].outputs) == ("Completed", outputs)
    child = backend.runs.get(step.run)
    assert (child.status, child.digests["output:rows"], child.details["exit_status"]) == ("Completed", tree, 0)
    assert backend.pipeline_progress.cached(wanted).entries == end["entries"]


def test_a_run_is_looked_after_until_its_runner_says_that_all_is_done(backend: Backend) -> None:
    looking = Looking(backend, _new(MANY[0]))
    other = PipelineDueQuery(machine="there")
    assert backend.pipeline_progress.due(other).runs == (looking.run,)

    looking.advance(changes=(StatusChange(status="Completed"),))
    assert (backend.pipeline_progress.due(HERE).runs, backend.pipeline_progress.due(other).runs) == ((looking.run,), ())
    looking.advance(is_done=True)
    assert backend.pipeline_progress.due(HERE).runs == ()


def test_the_run_of_a_step_that_was_said_to_have_ended_stays_so(backend: Backend) -> None:
    looking = Looking(backend, _new(MANY[0]))
    (step,) = looking.begin(1)
    backend.runs.change_status(step.run, StatusChange(status="Failed"))

    ended = EndedRun(run=step.run, change=StatusChange(status="Completed"), exit_status=0)
    looking.advance(steps=(replace(step, state="finished"),), ended=(ended,))

    assert (looking.steps[0].state, backend.runs.get(step.run).status) == ("finished", "Failed")


def test_many_keys_are_looked_up_at_once(backend: Backend) -> None:
    looking = Looking(backend, _new(MANY[0]))
    keys = [f"{number:064x}" for number in range(1200)]
    looking.advance(entries=tuple(CacheEntry(key=one, run="r", created=1.0, outputs={}) for one in keys[::3]))
    looking.advance(entries=(CacheEntry(key=keys[0], run="newer", created=2.0, outputs={}),))

    found = {one.key: one.run for one in backend.pipeline_progress.cached(CacheKeys(keys=tuple(keys))).entries}
    assert found == dict.fromkeys(keys[::3], "r") | {keys[0]: "newer"}
