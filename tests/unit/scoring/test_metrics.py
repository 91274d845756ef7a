"""Counters of all workers become one text."""

from modelyard_scoring.metrics import Metrics


def test_metrics_are_summed_over_rows_and_are_prometheus_text():
    metrics = Metrics(3)
    first, second = metrics.counters(0), metrics.counters(2)
    first.phase = "serving"
    first.answered(200, None, 0.0004)
    second.answered(200, None, 0.3)
    second.answered(400, "wrong-value", 99.0)
    first.ran(5)
    second.ran(7)
    second.began()
    text = metrics.text("s", ["m:1"])
    for expected in (
        'modelyard_scoring_requests_total{code="200"} 2',
        'modelyard_scoring_refused_total{reason="wrong-value"} 1',
        "modelyard_scoring_rows_total 12",
        "modelyard_scoring_batches_total 2",
        "modelyard_scoring_workers 1",
        "modelyard_scoring_in_flight 1",
        'modelyard_scoring_request_seconds_bucket{le="0.0005"} 1',
        'modelyard_scoring_request_seconds_bucket{le="0.25"} 1',
        'modelyard_scoring_request_seconds_bucket{le="0.5"} 2',
        'modelyard_scoring_request_seconds_bucket{le="30.0"} 2',
        'modelyard_scoring_request_seconds_bucket{le="+Inf"} 3',
        "modelyard_scoring_request_seconds_count 3",
    ):
        assert expected in text.splitlines()
    second.reset_gauges()
    assert "modelyard_scoring_in_flight 0" in metrics.text("s", []).splitlines()
    assert 'modelyard_scoring_requests_total{code="400"} 1' in metrics.text("s", []).splitlines()
