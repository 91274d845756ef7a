"""Copies of requests are sent to an old and a new revision: the answers are compared, and clients see nothing of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.integration.router.conftest import KEY, Asked, request, score, wait_until
from tests.integration.router.test_traffic import assert_share
from tests.integration.scoring.conftest import DOUBLE_SAMPLE, DOUBLE_SIGNATURE, Running, double_model, write_folder
from tests.integration.scoring.scenarios.traffic import drive

from modelyard.services.comparison import Comparison
from modelyard.services.errors import KeyFileError
from modelyard.services.key_file import read_key
from modelyard.services.route import Copies, Replica, Route, Upstream

OTHER = KEY[::-1]


def upstream(server, **more):
    replica = Replica(port=server.port)
    return Upstream(**{"revision": getattr(server, "revision", 1), "replicas": (replica,), "weight": 0, **more})


@pytest.fixture
def compare(folder):
    """Begin comparisons, which end with the test."""
    begun = []

    def begin(old, new, **more):
        begun.append(Comparison(old, new, folder / "compared", **more))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def seen(comparison):
    read = comparison.read()
    return read.compared + read.skipped


def test_every_request_is_compared_with_the_keys_of_both(router, route, serve, port, compare, write_keys):
    old, new = serve(1), serve(2)
    old.behave(key=OTHER)
    new.behave(key=KEY)
    keys = [write_keys(name, primary=key) for name, key in (("old", OTHER), ("new", KEY))]
    comparison = compare(upstream(old, keys=keys[0]), upstream(new, keys=keys[1]))
    router.apply(route(old, weights={1: 1}, upstream_keys={1: keys[0]}, mirror=comparison.copies(100)))

    drive(port, Asked().load, 100, 1).assert_min_samples(100).assert_all_answered()
    wait_until(lambda: seen(comparison) == 100)

    read = comparison.read()
    assert (read.equal, read.different, read.failed, read.examples) == (100, 0, 0, ())
    assert read.old.answers == read.new.answers == {"2xx": 100}
    assert read.new.latencies.total == 100
    assert (old.asked()["count"], new.asked()["count"]) == (200, 100)


def test_ten_percent_are_ten_percent(router, route, serve, port, compare):
    old, new = serve(1), serve(2)
    comparison = compare(upstream(old), upstream(new))
    router.apply(route(old, weights={1: 1}, mirror=comparison.copies(10)))

    drive(port, Asked().load, 500, 2).assert_all_answered()
    wait_until(lambda: 1000 + seen(comparison) == old.asked()["count"])

    assert_share(new.asked()["count"], 1000, 0.1)
    assert comparison.read().equal == new.asked()["count"]


def test_answers_that_differ_are_found_and_shown_without_secrets(router, route, serve, port, compare, write_keys):
    old, new = serve(1), serve(2)
    old.behave(more={"p": 0.5})
    new.behave(more={"p": 0.25})
    comparison = compare(upstream(old), upstream(new))
    router.apply(route(old, weights={1: 1}, keys=write_keys(primary=KEY), mirror=comparison.copies(100)))

    for number in range(15):
        headers = {"x-api-key": KEY, "x-request-id": f"request {number}"}
        assert request(port, path=f"/score?secret={OTHER}", body='{"data": [[1]]}', headers=headers)[0] == 200
    wait_until(lambda: seen(comparison) == 15)

    read = comparison.read()
    assert (read.different, len(read.examples)) == (15, 10)
    first = min(read.examples, key=lambda one: int(one.request_id.split()[1]))
    assert first.request == "POST /score"
    assert msgspec.structs.astuple(first.difference) == ("$.p", "0.5", "0.25")
    assert not any(secret in msgspec.json.encode(read) for secret in (KEY.encode(), OTHER.encode()))


def test_numbers_that_are_nearly_the_same_are_the_same_and_errors_are_not(router, route, serve, port, compare):
    old, new = serve(1), serve(2)
    old.behave(more={"p": 0.5})
    new.behave(more={"p": 0.500001})
    comparison = compare(upstream(old), upstream(new))
    router.apply(route(old, weights={1: 1}, mirror=comparison.copies(100)))
    score(port)
    wait_until(lambda: comparison.read().equal == 1)

    new.behave(status=500)
    assert score(port)[0] == 200
    wait_until(lambda: comparison.read().different == 1)

    assert comparison.read().examples[0].difference.where == "status"
    assert comparison.read().new.failed == 1


def test_a_slow_new_revision_holds_up_nobody_and_what_is_too_much_is_let_go(router, route, serve, port, compare):
    old, new = serve(1), serve(2)
    new.behave(seconds=5)
    comparison = compare(upstream(old), upstream(new), at_once=2, timeout=0.5)
    router.apply(route(old, weights={1: 1}, mirror=comparison.copies(100)))

    report = drive(port, Asked().load, 400, 1.5)

    assert report.assert_min_samples(600).assert_all_answered().latency(0.9) < 4
    wait_until(lambda: comparison.read().skipped > 0 and comparison.read().failed > 0)
    assert comparison.read().examples[0].difference.new == "none: ReadTimeout"


def test_an_answer_that_comes_in_small_parts_is_too_late_as_well(serve, compare):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        dripping = Upstream(revision=2, replicas=(Replica(port=listening.getsockname()[1]),))
        comparison = compare(upstream(serve(1)), dripping, timeout=0.5)
        hand_over(comparison.copies(100), b'{"data": [[1]]}')
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            wait_until(lambda: comparison.read().failed or connection.send(b"1") == 0)


def test_a_new_revision_that_dies_is_counted_and_a_new_address_is_taken(router, route, serve, port, compare):
    old, new = serve(1), serve(2)
    comparison = compare(upstream(old), upstream(new))
    router.apply(route(old, weights={1: 1}, mirror=comparison.copies(100)))
    new.kill()
    assert score(port)[0] == 200
    wait_until(lambda: comparison.read().failed == 1)
    assert comparison.read().new.failed == 1

    comparison.ask(upstream(old), upstream(serve(2)))
    assert score(port)[0] == 200

    wait_until(lambda: comparison.read().equal == 1)


ALONE = """
import sys, threading, msgspec
from pathlib import Path
from modelyard.services.comparison import Comparison
from modelyard.services.route import Upstream
old, new = msgspec.json.decode(sys.argv[1], type=list[Upstream])
print(msgspec.json.encode(Comparison(old, new, Path(sys.argv[2])).copies(100)).decode(), flush=True)
threading.Event().wait(300)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_clients_see_nothing_of_a_comparison_that_dies_or_hangs(router, route, serve, port, folder, how):
    old, new = serve(1), serve(2)
    sides = msgspec.json.encode([upstream(old), upstream(new)]).decode()
    with subprocess.Popen([sys.executable, "-c", ALONE, sides, str(folder)], stdout=subprocess.PIPE) as process:
        copies = msgspec.json.decode(process.stdout.readline(), type=Copies)
        router.apply(route(old, weights={1: 1}, mirror=copies))
        assert score(port)[0] == 200
        wait_until(lambda: new.asked()["count"] == 1)
        os.kill(process.pid, how)

        report = drive(port, Asked().load, 300, 1)
        process.kill()

    assert report.assert_min_samples(300).assert_all_answered().latency(0.9) < 4
    router.apply(route(old, weights={1: 1}))


@pytest.fixture
def doubles(tmp_path):
    """Two real scoring servers of one model."""
    folder = write_folder(tmp_path / "folder", {"double": (double_model(), DOUBLE_SIGNATURE, DOUBLE_SAMPLE)})
    servers = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        servers.append(Running(folder, tmp_path / name).wait())
    yield servers
    for server in servers:
        server.stop()


HOSTILE = [
    b"", b"{", b"null", b"\xff\xfe\0", b"[" * 50_000, b'{"data": [[1e999, 2, 3, 4]]}', b'{"data": [[NaN, 1, 2, 3]]}',
    b'{"data": [[' + b"9" * 10_000 + b", 1, 2, 3]]}", b'{"data": "' + b"\\u0000" * 1000 + b'"}',
    b'{"data": [[1, 2, 3, 4]]}' + b" " * 2**20, json.dumps(DOUBLE_SAMPLE["request"]).encode(),
]  # fmt: skip


def test_hostile_bodies_are_compared_as_any_other(router, port, doubles, compare):
    old, new = (upstream(one, revision=number) for number, one in enumerate(doubles, 1))
    comparison = compare(old, new)
    serving = msgspec.structs.replace(old, weight=1)
    router.apply(Route(service="double", port=port, upstreams=(serving,), mirror=comparison.copies(100)))

    for kind in ("application/json", "application/octet-stream", 'text/csv; a="'):
        for body in HOSTILE:
            assert request(port, body=body, headers={"content-type": kind})[0] in {200, 400, 415, 422}
    request(port, "GET", "/ready")
    wait_until(lambda: seen(comparison) == 3 * len(HOSTILE))

    assert comparison.read().examples == ()
    assert comparison.read().equal == 3 * len(HOSTILE)


def hand_over(copies, body=b"", method="POST", path="/score", **headers):
    """Send a copy as the router does; returns the status."""
    key = read_key(Path(copies.keys)).reveal()
    return request(copies.to.port, method, path, body, {"x-api-key": key, **headers})[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": "guessed"}, 401),
        ({"x-api-key": ""}, 401),
        ({"content-length": "-1"}, 400),
        ({"content-length": "9" * 30}, 413),
        ({"content-length": str(2**24 + 1)}, 413),
        ({"content-length": "1_0"}, 400),
        ({"transfer-encoding": "chunked"}, 400),
    ],
)
def test_who_brings_no_key_or_no_proper_request_gets_nothing_sent(serve, compare, headers, status):
    server = serve(1)
    comparison = compare(upstream(server), upstream(server))

    assert hand_over(comparison.copies(100), **headers) == status
    assert hand_over(comparison.copies(100), b'{"data": [[1]]}') == 202
    wait_until(lambda: seen(comparison) == 1)
    assert server.asked()["count"] == 2


@pytest.mark.parametrize(("method", "path"), [("PUT", "/score"), ("GET", "/metrics"), ("GET", "/v2/health/ready")])
def test_what_changes_something_or_is_a_page_of_the_servers_is_taken_and_not_sent_on(serve, compare, method, path):
    server = serve(1)
    comparison = compare(upstream(server), upstream(server))

    assert hand_over(comparison.copies(100), method=method, path=path) == 202
    assert hand_over(comparison.copies(100), b'{"data": [[1]]}') == 202
    wait_until(lambda: seen(comparison) == 1)
    assert server.asked()["count"] == 2


def test_a_path_stays_as_it_is_and_leads_nowhere_else(serve, compare):
    server = serve(1)
    comparison = compare(upstream(server), upstream(server))

    for path in ("//else.example/a", "/a%2Fb?c=%00&d=e f".replace(" ", "%20"), "/@else.example"):
        assert hand_over(comparison.copies(100), method="GET", path=path) == 202
    wait_until(lambda: comparison.read().equal == 3)


def test_too_many_connections_are_cut_and_those_before_go_on(serve, compare):
    server = serve(1)
    comparison = compare(upstream(server), upstream(server))
    address = ("127.0.0.1", comparison.copies(1).to.port)
    held = [socket.create_connection(address) for _ in range(64)]
    try:
        with pytest.raises((http.client.HTTPException, OSError)):
            hand_over(comparison.copies(100))
    finally:
        for one in held:
            one.close()
    wait_until(lambda: _accepted(comparison))


def _accepted(comparison):
    try:
        return hand_over(comparison.copies(100), b'{"data": [[1]]}') == 202
    except (http.client.HTTPException, OSError):
        return False


def test_a_comparison_that_is_closed_listens_no_more_and_leaves_no_key(serve, compare):
    server = serve(1)
    comparison = compare(upstream(server), upstream(server))
    copies = comparison.copies(1)
    comparison.close()

    with pytest.raises(ConnectionRefusedError):
        request(copies.to.port)
    assert not Path(copies.keys).exists()


def test_a_key_that_cannot_be_read_is_an_error(serve, compare, tmp_path):
    server = serve(1)

    with pytest.raises(KeyFileError, match="No such file"):
        compare(upstream(server), upstream(server, keys=str(tmp_path / "none.json")))
