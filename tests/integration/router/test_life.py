"""Envoy and those who change it are killed, and what was there goes on."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from tests.integration.router.conftest import Asked, request, score
from tests.integration.router.test_changes import under_traffic
from tests.integration.scoring.crowd import FULL
from tests.integration.scoring.scenarios.report import CUT_OFF
from tests.integration.scoring.scenarios.traffic import call
from tests.ports import free_port

from modelyard.errors import NotFoundError
from modelyard.services.route import Replica, Route, Upstream
from modelyard_deploy.router.envoy import Envoy
from modelyard_deploy.router.errors import PortTakenError, RouterRejectedError, RouterStoppedError
from modelyard_deploy.router.router import Router

KILLS = 100 if FULL else 12
WRITER = """
import msgspec, sys
from pathlib import Path
from modelyard.services.route import Route
from modelyard_deploy.router.router import Router
routes = [msgspec.json.decode(text, type=Route) for text in sys.argv[2:]]
router = Router(Path(sys.argv[1]))
print(flush=True)
while True:
    for route in routes:
        router.apply(route)
"""


def test_a_killed_envoy_comes_back_as_it_was(router, route, serve, folder, port):
    router.apply(route(serve(1), serve(2), weights={1: 1}))
    os.kill(Envoy(folder).find().pid, signal.SIGKILL)

    Router(folder).ensure()

    assert score(port)[:2] == (200, "1")
    assert score(port, **{"x-modelyard-revision": "2"})[:2] == (200, "2")


def test_ensuring_a_router_that_runs_restarts_nothing(router, route, serve, folder, port):
    router.apply(route(serve(1), weights={1: 1}))
    before = Envoy(folder).find()

    router.ensure()
    router.apply(route(serve(2), weights={2: 1}))

    assert Envoy(folder).find() == before


def test_a_new_router_serves_nothing_and_runs(router, folder):
    router.ensure()

    assert Envoy(folder).find() is not None
    assert router.routes() == ()
    assert (folder / "admin.sock").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_two_that_start_it_at_once_start_one(folder, router):
    threads = [threading.Thread(target=Router(folder).ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(envoys(folder)) == 1


def kill_and_wait(process):
    """Kill a process, and wait until it has given back its ports."""
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while process.alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def listening(port):
    """Listen at a port as soon as the threads of a killed process, which may end after it, have given it back."""
    deadline = time.monotonic() + 60
    while True:
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", port))
            taken.listen()
        except OSError:
            taken.close()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return taken


def envoys(folder):
    """The processes that have the folder as theirs."""
    commands = [one for one in Path("/proc").glob("[0-9]*/cmdline") if b"--disable-hot-restart" in read(one)]
    return [one.parent.name for one in commands if os.path.realpath(one.parent / "cwd") == str(folder)]


def read(file):
    """The bytes of a file, none if it went meanwhile."""
    with contextlib.suppress(OSError):
        return file.read_bytes()
    return b""


def write_and_kill(folder, routes, seconds):
    """Have a process apply routes in turn, and kill it at some instruction."""
    texts = [msgspec.json.encode(one).decode() for one in routes]
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), *texts], stdout=subprocess.PIPE)
    writer.stdout.readline()
    time.sleep(seconds)
    writer.kill()
    writer.communicate()


def test_a_writer_killed_at_any_instruction_leaves_a_router_that_serves(router, route, serve, folder, port):
    first, second, other = serve(1), serve(2), serve(1)
    routes = [
        route(first, weights={1: 1}),
        route(first, second, weights={1: 1, 2: 1}),
        route(second, weights={2: 1}),
        route(other, service="iris", port=free_port(), weights={1: 1}),
    ]
    router.apply(routes[0])
    chance = random.Random(1)

    async def kill(traffic, asked):
        for turn in range(KILLS):
            await call(write_and_kill, folder, routes, chance.random() * 0.5)
            if turn % 2:
                await call(router.apply, routes[3])  # goes on from what is on the disk

    report, _ = under_traffic(port, kill, rate=100)

    report.assert_min_samples(20 * KILLS).assert_all_answered()
    router.apply(routes[2])
    assert {score(port)[1] for _ in range(20)} == {"2"}
    assert len(envoys(folder)) == 1


def test_a_writer_killed_as_it_starts_envoy_leaves_at_most_one(folder, route, serve, router, port):
    one = route(serve(1), weights={1: 1})
    router.apply(one)
    chance = random.Random(2)
    for _ in range(KILLS // 2):
        os.kill(Envoy(folder).find().pid, signal.SIGKILL)
        write_and_kill(folder, [one], chance.random() * 0.15)
        router.ensure()

        assert score(port)[0] == 200
        assert len(envoys(folder)) == 1


def test_what_envoy_refuses_changes_nothing(router, route, serve, folder, port):
    good = route(serve(1), weights={1: 1})
    router.apply(good)
    for wrong in (
        route(serve(2), weights={2: 1}, host="192.0.2.1"),  # not an address of this machine
        route(serve(3), weights={3: 1}, service="iris", host="192.0.2.1"),
    ):
        with pytest.raises(RouterRejectedError, match=r"192\.0\.2\.1.*annot assign requested address"):
            router.apply(wrong)

        assert score(port)[:2] == (200, "1")
        assert router.routes() == (good,)
    os.kill(Envoy(folder).find().pid, signal.SIGKILL)
    router.ensure()
    assert score(port)[:2] == (200, "1")


@pytest.mark.parametrize("content", [b"{", b'{"version_info": "x", "resources": [{"no": "cluster"}]}'])
def test_documents_that_were_spoilt_are_written_anew(router, route, serve, folder, port, content):
    first, second = serve(1), serve(2)
    router.apply(route(first, weights={1: 1}))
    for file in ("global/clusters.json", "global/listeners.json", "services/digits/routes.json"):
        (folder / ".spoilt").write_bytes(content)
        (folder / ".spoilt").replace(folder / file)
    assert score(port)[:2] == (200, "1")

    router.apply(route(first, second, weights={2: 1}))

    assert score(port)[:2] == (200, "2")
    os.kill(Envoy(folder).find().pid, signal.SIGKILL)
    router.ensure()
    assert score(port)[:2] == (200, "2")


def test_a_port_that_another_program_has_is_named(router, route, serve, port):
    router.apply(route(serve(1), weights={1: 1}))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        wanted = route(serve(2), weights={2: 1}, service="my.iris", port=number)
        with pytest.raises(PortTakenError) as caught:
            router.apply(wanted)

    assert str(caught.value).startswith(f"my.iris cannot listen at 127.0.0.1:{number}: ")
    assert "\n" not in str(caught.value)
    assert score(port)[:2] == (200, "1")
    router.apply(wanted)  # it is free now
    assert score(number)[:2] == (200, "2")


def test_a_port_that_was_taken_while_envoy_was_away_is_named(router, route, serve, folder, port):
    other = free_port()
    router.apply(route(serve(1), weights={1: 1}))
    router.apply(route(serve(2), weights={2: 1}, service="iris", port=other))
    kill_and_wait(Envoy(folder).find())
    with listening(other):
        with pytest.raises(PortTakenError, match=str(other)):
            router.ensure()
        assert score(port)[:2] == (200, "1")
        router.apply(route(serve(3), weights={3: 1}))  # which does not hold up the others
        assert score(port)[:2] == (200, "3")

    router.ensure()
    assert score(other)[:2] == (200, "2")


def test_a_service_that_is_removed_is_gone_and_others_stay(router, route, serve, folder, port):
    other = free_port()
    router.apply(route(serve(1), weights={1: 1}))
    router.apply(route(serve(2), weights={2: 1}, service="iris", port=other))

    router.remove("iris")
    router.remove("iris")

    assert score(port)[:2] == (200, "1")
    with pytest.raises(ConnectionRefusedError):
        score(other)
    assert list((folder / "services/iris").iterdir()) == []
    with pytest.raises(NotFoundError, match="There are: digits"):
        router.statistics("iris")


def test_a_service_that_was_removed_can_come_back_at_once(router, route, serve, port):
    for number in (1, 2, 3):
        router.apply(route(serve(number), weights={number: 1}))
        assert score(port)[:2] == (200, str(number))
        router.remove("digits")


def test_a_stopped_router_answers_what_it_took_and_comes_back(router, route, serve, folder, port):
    server = serve(1)
    server.behave(seconds=0.3)
    router.apply(route(server, weights={1: 1}))

    async def stop(traffic, asked):
        traffic.phase = "stop"
        await call(router.stop)

    report, _ = under_traffic(port, stop, rate=100, asked=Asked(retry="kept"))

    report.assert_min_samples(50).of(CUT_OFF).assert_none()
    report.phase("steady").assert_min_samples(20).assert_all_answered()
    assert Envoy(folder).find() is None
    with pytest.raises(RouterStoppedError, match="modelyard up"):
        router.statistics("digits")
    router.stop()
    router.ensure()
    assert score(port)[0] == 200


def test_a_route_to_nothing_can_be_applied_and_serves_when_something_is_there(router, port):
    number = free_port()
    router.apply(
        Route(service="a", port=port, upstreams=(Upstream(revision=1, replicas=(Replica(port=number),), weight=1),))
    )
    assert request(port, body="{}")[0] == 503

    async def late():
        def factory(reader, writer):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            writer.close()

        async with await asyncio.start_server(factory, "127.0.0.1", number):
            for _ in range(100):
                if (await asyncio.to_thread(request, port, body="{}"))[0] == 200:
                    return True
                await asyncio.sleep(0.1)
        return False

    assert asyncio.run(late())


def test_a_folder_with_a_path_too_long_for_a_socket_is_a_routers_too(folder, route, serve, port):
    long = folder / ("a" * 100) / ("b" * 100)
    router = Router(long)
    router.apply(route(serve(1), weights={1: 1}))

    assert score(port)[0] == 200
    assert router.statistics("digits").of(1).total == 1
    router.stop()
    assert Envoy(long).find() is None
