"""Spans arrive at a collector."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BODY = json.dumps({"data": [[1, 2, 3, 4], [5, 6, 7, 8]]})


class Collector(ThreadingHTTPServer):
    """Takes spans as OTLP over HTTP says, and keeps them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver)
        self.paths, self.exports = [], []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def spans(self):
        """Give all spans as (span, attributes), with the resource's attributes among them."""
        found = []
        for export in self.exports:
            for resource in export.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        pairs = [*resource.resource.attributes, *span.attributes]
                        found.append((span, {one.key: one.value.string_value or one.value.int_value for one in pairs}))
        return found


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.paths.append((self.path, self.headers["content-type"]))
        self.server.exports.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_request_has_a_span_below_that_of_its_client_and_spans_of_queue_and_model(collector, double_folder, start):
    server = start(double_folder, "--trace-endpoint", collector.url).wait()
    traced = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}
    status, headers, _ = server.request("POST", "/score?secret=1", BODY, traced)
    assert (status, headers["traceparent"]) == (200, traced["traceparent"])
    server.request("POST", "/score", "[", {"x-request-id": "bad"})
    server.request("POST", "/score", BODY, {"traceparent": f"00-{TRACE}-{PARENT}-00", "x-request-id": "unrecorded"})
    assert server.stop() == 0
    assert set(collector.paths) == {("/v1/traces", "application/x-protobuf")}
    spans = {facts.get("modelyard.request_id"): (span, facts) for span, facts in collector.spans()}
    assert "unrecorded" not in spans
    span, facts = spans["mine"]
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.name) == (TRACE, PARENT, "POST /score")
    assert facts["service.name"] == "trial"
    assert (facts["modelyard.model"], facts["modelyard.version"], facts["modelyard.rows"]) == ("double", 1, 2)
    assert (facts["http.response.status_code"], facts["url.path"]) == (200, "/score")
    below = {one.name: one for one, _ in collector.spans() if one.parent_span_id == span.span_id}
    assert set(below) == {"queue", "model"}
    queue, model = below["queue"], below["model"]
    times = [span.start_time_unix_nano, queue.start_time_unix_nano, queue.end_time_unix_nano]
    assert times == sorted(times)
    assert queue.end_time_unix_nano <= model.start_time_unix_nano + 1000
    assert model.start_time_unix_nano < model.end_time_unix_nano <= span.end_time_unix_nano + 1000
    span, facts = spans["bad"]
    assert (facts["error.type"], facts["http.response.status_code"], span.parent_span_id) == (
        "malformed-body",
        400,
        b"",
    )
    assert span.trace_id.hex() != TRACE


def test_a_collector_that_is_gone_holds_nothing_up(double_folder, start, rows):
    server = start(double_folder, "--trace-endpoint", "http://127.0.0.1:9").wait()
    assert [server.score({"data": rows})[0] for _ in range(20)] == [200] * 20
    assert server.stop() == 0


@pytest.mark.parametrize("endpoint", ["localhost:4318", "ftp://here", "http://a b", ""])
def test_an_endpoint_that_is_no_url_is_refused(double_folder, start, endpoint):
    server = start(double_folder, "--trace-endpoint", endpoint)
    assert server.process.wait(60) == 2
