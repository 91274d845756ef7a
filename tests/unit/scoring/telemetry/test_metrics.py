"""Counters of all workers, for each model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exposition import parse

from modelyard_scoring.service.folder import ServedModel
from modelyard_scoring.telemetry.exposition import write_text
from modelyard_scoring.telemetry.metrics import BUCKETS, PHASES, REASONS, STATUSES, Metrics

MODELS = [
    ServedModel(name=name, version=version, path=name, engine="script", files={})
    for name, version in (("a", 1), ("b", 7))
]


@pytest.fixture
def metrics():
    return Metrics(3, MODELS)


def read(metrics, **info):
    return parse(write_text(metrics, info or {"service": "s"}).decode())


def test_requests_are_summed_over_workers_and_told_apart_by_model(metrics):
    first, second = metrics.counters(0), metrics.counters(2)
    first.of("a").answered(200, None, 0.0004)
    second.of("a").answered(200, None, 0.3)
    second.of("b").answered(400, "wrong-value", 99.0)
    second.of().answered(404, "unknown-path", 0.0)
    samples = read(metrics)
    assert samples.scoring("requests_total", model="a", version="1", code="200") == 2
    assert samples.scoring("requests_total", model="b", version="7", code="400") == 1
    assert samples.scoring("requests_total", model="", code="404") == 1
    assert samples.scoring("requests_total") == 4
    assert samples.scoring("refused_total", model="b", reason="wrong-value") == 1
    assert samples.scoring("refused_total", model="a") == 0
    assert samples.scoring("request_seconds_bucket", model="a", le="0.0005") == 1
    assert samples.scoring("request_seconds_bucket", model="a", le="0.25") == 1
    assert samples.scoring("request_seconds_bucket", model="a", le="0.5") == 2
    assert samples.scoring("request_seconds_bucket", model="b", le="30.0") == 0
    assert samples.scoring("request_seconds_sum", model="b") == 99


def test_runs_have_histograms_of_rows_waiting_and_running(metrics):
    for slot, rows in ((0, 1), (1, 3), (2, 5000)):
        metrics.counters(slot).of("a").ran(rows, 0.02, 0.004)
    samples = read(metrics)
    assert samples.scoring("rows_total", model="a") == 5004
    assert [samples.scoring("batch_rows_bucket", model="a", le=le) for le in ("1", "2", "4", "1024", "+Inf")] == [
        *(1, 1, 2, 2, 3)
    ]
    assert samples.scoring("queue_seconds_bucket", model="a", le="0.025") == 3
    assert samples.scoring("model_seconds_bucket", model="a", le="0.0025") == 0
    assert samples.scoring("model_seconds_sum", model="a") == pytest.approx(0.012)


def test_a_status_without_a_name_is_counted_with_its_hundred(metrics):
    for status in (418, 499, 599):
        metrics.counters(0).of("a").answered(status, None, 0.0)
    text = write_text(metrics, {"service": "s"}).decode()
    samples = parse(text)
    assert [samples.scoring("requests_total", code=code) for code in ("418", "400", "500")] == [1, 1, 1]
    assert 'code="302"' not in text


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("seconds", [0.0, BUCKETS[0], BUCKETS[-1], 1e6])
def test_every_status_and_time_has_a_place_of_its_own(metrics, status, seconds):
    metrics.counters(1).of("b").answered(status, REASONS[0], seconds)
    samples = read(metrics)
    assert samples.scoring("requests_total", code=str(status)) == samples.scoring("requests_total") == 1
    assert samples.scoring("request_seconds_bucket", le="+Inf") == samples.scoring("refused_total") == 1
    assert samples.scoring("rows_total") == samples.scoring("in_flight") == 0


@given(st.lists(st.floats(0, 40), min_size=1, max_size=50))
def test_answers_counted_together_are_counted_as_one_by_one(times):
    together, alone = Metrics(1, MODELS), Metrics(1, MODELS)
    together.counters(0).of("a").answered_together(200, times)
    for seconds in times:
        alone.counters(0).of("a").answered(200, None, seconds)
    (one,), (other,) = together.rows(), alone.rows()
    assert one == pytest.approx(other)


def test_a_worker_that_takes_the_place_of_another_counts_on_but_has_no_request_yet(metrics):
    counters = metrics.counters(0)
    counters.started()
    counters.phase = PHASES[5]
    counters.began()
    counters.connected(5)
    counters.of("a").placed(in_thread=True, seconds=0.25)
    counters.of("a").answered(200, None, 0.1)
    counters.logged(dropped=2, left_out=3)
    before = read(metrics)
    metrics.counters(0).started()
    after = read(metrics)
    gauges = ("workers", "in_flight", "connections")
    assert [before.scoring(name) for name in gauges] == [1, 1, 5]
    assert [after.scoring(name) for name in gauges] == [0, 0, 0]
    assert before.scoring("model_workers", model="a", place="thread") == 1
    assert before.scoring("model_recent_seconds", model="a") == 0.25
    assert after.scoring("model_workers") == 0
    assert after.scoring("workers_started_total") == 2
    assert after.scoring("requests_total") == 1
    assert after.scoring("log_lines_dropped_total") == 2
    assert after.scoring("log_requests_left_out_total") == 3


def test_labels_are_escaped(metrics):
    image = 'a"b\\c\nd'
    assert read(metrics, image=image).scoring("info", image=image) == 1


def test_the_start_of_the_process_is_told(metrics):
    assert read(metrics).of("process_start_time_seconds") == pytest.approx(metrics.began, abs=0.001)
