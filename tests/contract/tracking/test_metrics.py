import datetime as dt
import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.tracking.metric import MAX_VALUE, Metric, MetricBatch, MetricQuery, NewMetric, as_json, from_json
from modelyard.tracking.run import RunInfo


def log(backend: Backend, run: RunInfo, *metrics: NewMetric) -> None:
    backend.metrics.log(run.id, MetricBatch(metrics=metrics))


def read(backend: Backend, run: RunInfo, name: str | None = None) -> list[Metric]:
    return list(backend.metrics.list(run.id, MetricQuery(name=name)).items)


@pytest.mark.parametrize(
    "value",
    [0.1, -0.0, 1e308, 5e-324, math.inf, -math.inf, 0, 1, -1, 2**53 + 1, -(2**63), 2**64 + 1, 10**30, "good", "", True],
)
def test_a_scalar_is_read_as_what_it_was(backend: Backend, run: RunInfo, value: object) -> None:
    log(backend, run, NewMetric(name="x", value=as_json(value)))
    found = from_json(read(backend, run)[0].value)
    assert (type(found), repr(found)) == (type(value), repr(value))


def test_not_a_number_is_read_as_that(backend: Backend, run: RunInfo) -> None:
    log(backend, run, NewMetric(name="x", value=as_json(math.nan)))
    assert math.isnan(from_json(read(backend, run)[0].value))


def test_values_keep_their_order_step_time_and_description(backend: Backend, run: RunInfo) -> None:
    time = dt.datetime(2026, 1, 2, 3, 4, 5, 250000, dt.UTC)
    log(backend, run, NewMetric(name="x", value=1.5, step=-3, description="first", time=time))
    log(backend, run, NewMetric(name="x", value=2.5, step=2**62), NewMetric(name="a", value=0.5))
    found = read(backend, run)
    assert [(one.name, one.position, one.value) for one in found] == [("a", 1, 0.5), ("x", 1, 1.5), ("x", 2, 2.5)]
    assert (found[1].step, found[1].time, found[1].description) == (-3, time, "first")
    assert (found[2].step, found[2].description) == (2**62, "")
    assert found[2].time > found[1].time


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("list", [1, 2.5, "NaN", "text", None, True]),
        ("row", {"a": 1, "b": "NaN"}),
        ("table", {"columns": {"a": [1, 2]}, "types": {"a": "integer"}}),
        ("confusion_matrix", {"data": {"class_labels": ["a"], "matrix": [[1]]}}),
        ("accuracy_table", {"data": {}}),
        ("residuals", {"data": {}}),
        ("predictions", {"data": {}}),
    ],
)
def test_each_kind_keeps_its_value(backend: Backend, run: RunInfo, kind: str, value: object) -> None:
    log(backend, run, NewMetric(name="x", value=value, kind=kind))
    found = read(backend, run, "x")[0]
    assert (found.kind, found.value) == (kind, value)


def test_an_image_keeps_its_blob(backend: Backend, run: RunInfo) -> None:
    sha256 = backend.blobs.put(b"\x89PNG")
    log(backend, run, NewMetric(name="x", value={"media_type": "image/png", "size": 4}, kind="image", blob=sha256))
    assert read(backend, run)[0].blob == sha256


def test_pages_of_metrics_join_without_a_gap(backend: Backend, run: RunInfo) -> None:
    names = ["b", "a:1", "a", "ä", "b"]
    log(backend, run, *(NewMetric(name=name, value=float(i)) for i, name in enumerate(names)))
    found: list[Metric] = []
    cursor: str | None = None
    while True:
        page = backend.metrics.list(run.id, MetricQuery(limit=2, cursor=cursor))
        found += page.items
        if (cursor := page.cursor) is None:
            break
    assert sorted(one.value for one in found) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [one.value for one in found if one.name == "b"] == [0.0, 4.0]


@pytest.mark.parametrize(
    "bad",
    [
        NewMetric(name="", value=1.0),
        NewMetric(name="n\n", value=1.0),
        NewMetric(name="n" * 251, value=1.0),
        NewMetric(name="x", value=None),
        NewMetric(name="x", value=[1]),
        NewMetric(name="x", value={"a": 1}),
        NewMetric(name="x", value=1.0, step=2**63),
        NewMetric(name="x", value=1.0, blob="nothing"),
        NewMetric(name="x", value=["a" * MAX_VALUE], kind="list"),
    ],
    ids=str,
)
def test_a_batch_with_something_wrong_logs_nothing(backend: Backend, run: RunInfo, bad: NewMetric) -> None:
    with pytest.raises(InvalidValueError):
        log(backend, run, NewMetric(name="good", value=1.0), bad)
    assert read(backend, run) == []


def test_metrics_of_an_unknown_run_are_refused(backend: Backend, run: RunInfo) -> None:
    with pytest.raises(NotFoundError) as raised:
        backend.metrics.log("e_2", MetricBatch(metrics=(NewMetric(name="x", value=1.0),)))
    assert raised.value.known == (run.id,)
    with pytest.raises(NotFoundError):
        backend.metrics.list("e_2", MetricQuery())


@pytest.mark.parametrize("query", [MetricQuery(limit=0), MetricQuery(limit=10_001), MetricQuery(cursor="x:y")])
def test_a_query_that_is_none_is_refused(backend: Backend, run: RunInfo, query: MetricQuery) -> None:
    with pytest.raises(InvalidValueError):
        backend.metrics.list(run.id, query)


def test_threads_that_log_one_name_lose_nothing(backend: Backend, run: RunInfo) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: log(backend, run, NewMetric(name="x", value=float(i))), range(40)))
    found = read(backend, run)
    assert [one.position for one in found] == list(range(1, 41))
    assert sorted(one.value for one in found) == [float(i) for i in range(40)]
