"""What the router answers by itself has the form of the scoring server's errors."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.integration.router.conftest import request, wait_until
from tests.integration.scoring.conftest import read_all, split_responses
from tests.ports import free_port

from modelyard.services.route import Limits, Replica, Route, Upstream


def error(answer):
    status, headers, body = answer
    assert headers["content-type"] == "application/json"
    read = json.loads(body)
    assert read["request_id"] == headers["x-request-id"]
    return status, read


@pytest.mark.parametrize(("path", "fields"), [("/score", set()), ("/v2/models/m/infer", {"error"})])
def test_an_answer_that_takes_too_long_is_a_deadline(router, route, serve, port, path, fields):
    server = serve(1)
    server.behave(seconds=5)
    router.apply(route(server, weights={1: 1}, timeout=0.2))

    status, read = error(request(port, path=path, body="{}"))

    assert (status, read["code"]) == (504, "deadline")
    assert read.keys() == {"code", "text", "request_id"} | fields


def test_a_full_revision_says_when_to_try_again(router, route, serve, port):
    server = serve(1)
    server.behave(held=True)
    router.apply(route(server, weights={1: 1}, limits=Limits(active=1, waiting=1)))
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(request, port, body="{}") for _ in range(6)]
        wait_until(lambda: sum(one.done() for one in asked) >= 3)
        server.behave(held=False)
    answers = [one.result() for one in asked]

    refused = [one for one in answers if one[0] != 200]
    assert 1 <= len(answers) - len(refused) <= 3
    assert {(error(one)[0], error(one)[1]["code"], one[1]["retry-after"]) for one in refused} == {
        (503, "queue-full", "1")
    }
    assert router.statistics("digits").of(1).refused == len(refused)


def test_a_revision_without_a_replica_says_so(router, port):
    gone = Upstream(revision=7, replicas=(Replica(port=free_port()),), weight=1)
    router.apply(Route(service="digits", port=port, upstreams=(gone,)))

    answer = request(port, body="{}")

    assert error(answer)[1]["code"] == "no-replica"
    assert (answer[0], answer[1]["retry-after"], answer[1]["x-modelyard-revision"]) == (503, "1", "7")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(router, route, serve, port, chunked):
    server = serve(1)
    router.apply(route(server, weights={1: 1}, limits=Limits(body=1000)))

    body = iter([b"x" * 600] * 2) if chunked else b"x" * 1200
    status, read = error(request(port, body=body))

    assert (status, read["code"]) == (413, "body-too-large")
    assert server.asked()["count"] == 0


def test_a_body_that_never_ends_is_ended(router, route, serve, port):
    router.apply(route(serve(1), weights={1: 1}, limits=Limits(header_timeout=0.3, body_timeout=0.3)))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"POST /score HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n{")
        ((status, _, body),) = split_responses(read_all(connection))

    assert (status, json.loads(body)["code"]) == (408, "slow-request")


def test_headers_that_never_end_are_ended(router, route, serve, port):
    router.apply(route(serve(1), weights={1: 1}, limits=Limits(header_timeout=0.3)))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"POST /score HTTP/1.1\r\nhost: h\r\n")
        ((status, _, body),) = split_responses(read_all(connection))

    assert (status, json.loads(body)["code"]) == (408, "slow-request")


def test_what_is_no_request_is_refused(router, route, serve, port):
    router.apply(route(serve(1), weights={1: 1}))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = read_all(connection)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_an_error_of_the_service_comes_as_it_is(router, route, serve, port):
    server = serve(1)
    server.behave(status=500)
    router.apply(route(server, weights={1: 1}))

    status, headers, body = request(port, body='{"data": 1}')

    assert (status, json.loads(body), headers["x-answered-by"]) == (500, {"y": 1}, "1")
    assert server.asked()["count"] == 1  # and was not asked again
