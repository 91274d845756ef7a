"""Which requests have a line in the log, and what it says."""

import json

import pytest
from tests.exposition import parse

from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.routes import Route
from modelyard_scoring.queues.batch import Run
from modelyard_scoring.service.folder import ServedModel
from modelyard_scoring.settings import read_settings
from modelyard_scoring.telemetry.access_log import AccessLog, Line
from modelyard_scoring.telemetry.correlation import Correlation
from modelyard_scoring.telemetry.exposition import write_text
from modelyard_scoring.telemetry.metrics import Metrics

MODEL = ServedModel(name="digits", version=3, path="m", engine="script", files={})


class Lines(list):
    dropped = 0
    write = list.append


def exchange(target=b"/score", route=None):
    made = Exchange(None)
    made.method, made.target, made.request_id, made.route = b"POST", target, "r-1", route
    return made


def access_log(mode, rate="100", workers="1"):
    lines, metrics = Lines(), Metrics(1, [MODEL])
    arguments = [".", "--access-log", mode, "--access-log-rate", rate, "--workers", workers]
    return AccessLog(read_settings(arguments, {}), [MODEL], metrics.counters(0), lines), lines, metrics


def test_a_line_is_json_and_says_all_that_is_known():
    made = exchange(b"/score/digits?a=b", Route(path="/", methods=(), keyed=True, handle=print, model="digits"))
    made.started, made.rows, made.run = 10.0, 7, Run(10.25, 0.5)
    made.correlation = Correlation.of(
        {b"x-ms-client-request-id": b"c-1", b"traceparent": b"00-%b-%b-01" % (b"a" * 32, b"b" * 16)}
    )
    line = json.loads(Line({"digits": MODEL}).of(made, 200, None, 1.0))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "text": "request",
        "request_id": "r-1",
        "method": "POST",
        "target": "/score/digits",
        "status": 200,
        "ms": 1000.0,
        "model": "digits",
        "version": 3,
        "rows": 7,
        "queue_ms": 250.0,
        "model_ms": 500.0,
        "client_request_id": "c-1",
        "trace_id": "a" * 32,
    }


def test_each_line_has_the_path_of_its_own_request():
    line = Line({})
    paths = [b"/a", b"/a", b"/b?c", b"/b", b"/a"]
    targets = [json.loads(line.of(exchange(path), 200, None, 0.0))["target"] for path in paths]
    assert targets == ["/a", "/a", "/b", "/b", "/a"]


@pytest.mark.parametrize("target", [b'/"', b"/\\", b"/\n{", b"/\xff\x00", b"", b"/" * 9000])
def test_a_line_is_one_line_of_json_whatever_is_asked(target):
    data = Line({}).of(exchange(target), 404, "unknown-path", 0.0)
    assert data.count(b"\n") == 1
    assert json.loads(data)["target"] == target[:200].decode("latin-1")
    assert json.loads(data)["code"] == "unknown-path"


@pytest.mark.parametrize(
    ("mode", "successes", "errors"), [("all", 500, 500), ("errors", 0, 500), ("off", 0, 0), ("auto", 100, 500)]
)
def test_which_requests_have_a_line(mode, successes, errors):
    log, lines, metrics = access_log(mode)
    for _ in range(500):
        log.note(exchange(), 200, None, 0.0)
        log.note(exchange(), 400, "wrong-form", 0.0)
    log.tick()
    statuses = [json.loads(line)["status"] for line in lines]
    assert (statuses.count(200), statuses.count(400)) == (successes, errors)
    left_out = 400 if mode == "auto" else 0
    assert parse(write_text(metrics, {}).decode()).scoring("log_requests_left_out_total") == left_out


def test_the_rate_is_divided_among_workers():
    log, lines, _ = access_log("auto", rate="40", workers="4")
    for _ in range(50):
        log.note(exchange(), 200, None, 0.0)
    assert len(lines) == 10


def test_the_log_says_how_many_requests_have_no_line(caplog):
    caplog.set_level("INFO")
    log, _, _ = access_log("auto", rate="1")
    for _ in range(51):
        log.note(exchange(), 200, None, 0.0)
    log.tick()
    log.tell()
    log.tell()
    assert caplog.messages == ["50 requests were answered that have no line here, as there were too many."]


def test_lines_that_nobody_read_are_counted():
    log, lines, metrics = access_log("all")
    lines.dropped = 3
    log.tick()
    log.tick()
    assert parse(write_text(metrics, {}).decode()).scoring("log_lines_dropped_total") == 3
