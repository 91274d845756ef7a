"""What is seen of a server that runs: ids, log, metrics."""

import json
import os
import signal
import time

import pytest

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BODY = json.dumps({"data": [[1, 2, 3, 4], [5, 6, 7, 8]]})


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double}), "--image", 'sha256:"x').wait()


@pytest.mark.parametrize("times", [1, 3])
def test_ids_of_the_client_come_back_and_are_in_the_log(server, times):
    mine = f"mine-{times}"
    ids = {"x-request-id": mine, "x-ms-client-request-id": "theirs", "traceparent": TRACEPARENT}
    for _ in range(times):  # heads that came before take a shorter way
        status, headers, _ = server.request("POST", "/score", BODY, ids)
        assert status == 200
        assert {name: headers[name] for name in ids} == ids
        assert headers["x-ms-request-id"] == "theirs"
    line = server.logged(lambda line: line.get("request_id") == mine)
    assert (line["client_request_id"], line["trace_id"]) == ("theirs", TRACEPARENT.split("-")[1])
    assert (line["model"], line["version"], line["rows"], line["status"]) == ("double", 1, 2, 200)
    assert line["ms"] >= line["model_ms"] > 0
    assert line["ms"] >= line["queue_ms"] >= 0


def test_without_ids_each_request_has_one_of_its_own(server):
    found = [server.request("GET", "/live")[1] for _ in range(3)]
    assert len({headers["x-request-id"] for headers in found}) == 3
    assert all(headers["x-ms-request-id"] == headers["x-request-id"] for headers in found)
    assert "traceparent" not in found[0]


def test_errors_are_logged_with_their_code_and_no_query(server):
    server.request("GET", "/nowhere?secret=1", headers={"x-request-id": "lost"})
    line = server.logged(lambda line: line.get("request_id") == "lost")
    assert (line["status"], line["code"], line["target"]) == (404, "unknown-path", "/nowhere")
    assert "model" not in line


def test_metrics_say_what_is_served_and_where_it_runs(server):
    counts = server.metrics()
    assert counts.scoring("info", service="trial", models="double:1", image='sha256:"x') == 1
    assert counts.scoring("model_workers", model="double", place="loop") == 1
    assert 0 < counts.scoring("model_recent_seconds", model="double") < 1


def test_what_is_counted_outlives_a_killed_worker_and_a_reload(double_folder, start):
    server = start(double_folder, "--workers", "2").wait()
    end = time.monotonic() + 200
    done = 0

    def answered(count):
        for _ in range(count):
            assert server.score({"data": [[1, 2, 3, 4]]})[0] == 200
        return count

    def until(told):
        while not told(server.metrics()):
            assert time.monotonic() < end
            time.sleep(0.05)

    until(lambda counts: counts.scoring("workers") == 2)
    done += answered(20)
    os.kill(min(server.workers()), signal.SIGKILL)
    until(lambda counts: counts.scoring("workers_started_total") == 3 and counts.scoring("workers") == 2)
    done += answered(20)
    server.process.send_signal(signal.SIGHUP)
    until(lambda counts: counts.scoring("workers_started_total") == 5 and counts.scoring("workers") == 2)
    done += answered(20)
    counts = server.metrics()
    assert counts.scoring("requests_total", model="double", code="200") == counts.scoring("rows_total") == done == 60
    until(lambda counts: counts.scoring("model_workers", place="loop") == 2)  # those that were replaced have ended
    until(lambda counts: counts.scoring("in_flight") == 1)  # told ten times a second


def test_a_crowd_of_requests_has_a_sample_of_lines_and_all_are_counted(double_folder, start, responses):
    server = start(double_folder, "--access-log-rate", "10").wait()
    request = b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 13\r\n\r\n[[1, 2, 3,4]]"
    assert len(responses(server.raw(request * 500, shut=True))) == 500
    assert server.metrics().scoring("requests_total", model="double", code="200") == 500
    assert server.stop() == 0
    assert 0 < server.log.count('"target":"/score"') < 500
    assert "requests were answered that have no line here" in server.log
