import math
from collections.abc import Callable

import pytest

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidValueError
from modelyard.tracking.metric import MetricBatch, NewMetric, as_json
from modelyard.tracking.run import NewExperiment, NewRun, RunChange, RunInfo, RunQuery, StatusChange

Make = Callable[..., RunInfo]


def numbers(backend: Backend, **query: object) -> list[int]:
    """List the numbers of the runs that a query chooses, over as many pages as there are."""
    asked, found = RunQuery(**{"experiment": "e", "limit": 2, **query}), []
    cursor: str | None = None
    while True:
        page = backend.runs.list(
            RunQuery(**{**{f: getattr(asked, f) for f in asked.__struct_fields__}, "cursor": cursor})
        )
        found += [info.number for info in page.items]
        assert len(page.items) <= asked.limit
        if (cursor := page.cursor) is None:
            return found


def log(backend: Backend, run: RunInfo, name: str, value: object) -> None:
    backend.metrics.log(run.id, MetricBatch(metrics=(NewMetric(name=name, value=as_json(value)),)))


def test_runs_are_listed_the_newest_first(backend: Backend, make_run: Make) -> None:
    for _ in range(5):
        make_run()
    backend.experiments.create(NewExperiment(name="other"))
    backend.runs.create("other", NewRun())
    assert numbers(backend) == [5, 4, 3, 2, 1]
    assert numbers(backend, descending=False) == [1, 2, 3, 4, 5]
    assert numbers(backend, experiment=None) == [1, 5, 4, 3, 2, 1]
    assert numbers(backend, experiment="none") == []


def test_runs_are_listed_by_the_last_value_of_a_metric(backend: Backend, make_run: Make) -> None:
    values = [0.5, 0.9, None, 0.5, math.nan, math.inf, 3, -math.inf]
    for value in values:
        run = make_run()
        log(backend, run, "other", 1.0)
        log(backend, run, "accuracy", 7.0) if value is not None else None
        log(backend, run, "accuracy", value) if value is not None else None
    assert numbers(backend, order_by="metric:accuracy") == [6, 7, 2, 4, 1, 8, 5, 3]
    assert numbers(backend, order_by="metric:accuracy", descending=False) == [8, 4, 1, 2, 7, 6, 5, 3]
    assert numbers(backend, order_by="metric:accuracy", experiment=None) == [6, 7, 2, 4, 1, 8, 5, 3]
    assert numbers(backend, order_by="metric:none") == [8, 7, 6, 5, 4, 3, 2, 1]
    assert numbers(backend, order_by="metric:accuracy", limit=1000) == [6, 7, 2, 4, 1, 8, 5, 3]


@pytest.mark.parametrize("text", ["metric:", "name", "metric", "created:x", ""])
def test_an_order_that_there_is_not_is_refused(backend: Backend, text: str) -> None:
    with pytest.raises(InvalidValueError, match="metric:NAME"):
        backend.runs.list(RunQuery(order_by=text))


@pytest.mark.parametrize("cursor", ["", "x", "1:zz", "1:2:3"])
def test_a_cursor_that_is_none_is_refused(backend: Backend, cursor: str) -> None:
    with pytest.raises(InvalidValueError, match="cursor"):
        backend.runs.list(RunQuery(cursor=cursor))


def test_runs_are_found_by_tags_and_properties(backend: Backend, make_run: Make) -> None:
    make_run(tags={"kind": "trial", "ok": ""}, properties={"by": "me"})
    make_run(tags={"kind": "final=1"}, properties={"by": "you"})
    third = make_run(tags={"kind": "trial"})
    assert numbers(backend, tags=("kind",)) == [3, 2, 1]
    assert numbers(backend, tags=("kind=trial",)) == [3, 1]
    assert numbers(backend, tags=("kind=final=1",)) == [2]
    assert numbers(backend, tags=("kind=trial", "ok")) == [1]
    assert numbers(backend, properties=("by=you",)) == [2]
    assert numbers(backend, tags=("by",)) == []
    backend.runs.change(third.id, RunChange(tags={"kind": "old"}))
    assert numbers(backend, tags=("kind=trial",)) == [1]
    backend.runs.change(third.id, RunChange(remove_tags=("kind",)))
    assert numbers(backend, tags=("kind",)) == [2, 1]


def test_runs_are_found_by_status_and_type(backend: Backend, make_run: Make) -> None:
    for status in ("NotStarted", "Queued", "Running"):
        make_run(status=status)
    backend.runs.change_status(make_run(type="script").id, StatusChange(status="Failed"))
    assert numbers(backend, status=("Queued",)) == [2]
    assert numbers(backend, status=("Running", "Failed")) == [4, 3]
    assert numbers(backend, status=("NotResponding",)) == []
    assert numbers(backend, type=("script",)) == [4]
    assert numbers(backend, type=("script", "run"), status=("NotStarted",)) == [1]


def test_children_are_listed_with_their_parent(backend: Backend, make_run: Make) -> None:
    parent = make_run()
    child = make_run(parent=parent.id)
    make_run(parent=child.id)
    assert child.parent == parent.id
    assert numbers(backend, parent=parent.id) == [2]
    assert numbers(backend, top=True) == [1]


def test_a_list_tells_the_last_value_of_each_scalar_if_asked(backend: Backend, make_run: Make) -> None:
    run = make_run()
    for value in (1, 2):
        log(backend, run, "n", value)
    log(backend, run, "text", "good")
    log(backend, run, "nan", math.nan)
    backend.metrics.log(run.id, MetricBatch(metrics=(NewMetric(name="list", value=[1], kind="list"),)))
    assert backend.runs.list(RunQuery(metrics=True)).items[0].metrics == {"n": 2, "text": "good", "nan": "NaN"}
    assert backend.runs.list(RunQuery()).items[0].metrics == {}
