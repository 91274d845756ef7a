"""What a server does under load and loss; the long versions of these are run by ``make bench``.

There times are measured; here bounds on times and rates are so wide that a busy machine keeps them.
"""

import os
import signal

import pytest
from tests.integration.scoring.scenarios import blocked_log, kills, leaving, nonces, overload, soak


@pytest.fixture
def echo(folders, start):
    """Start a server of a model that gives back what it gets, at a price for each row."""

    def begin(*options, size=0, layers=0, limits=None, log="errors", **more):
        content = nonces.echo(folders.save, size=size, layers=layers)
        folder = folders.write({"echo": (content, nonces.SIGNATURE, nonces.SAMPLE)}, limits=limits)
        return start(folder, "--access-log", log, *options, **more).wait()

    return begin


@pytest.mark.parametrize(("place", "depth"), [("thread", 1), ("loop", 1), ("thread", 8)])
def test_no_answer_is_anothers_under_overload(echo, place, depth):
    server = echo("--run-in", place, size=1024, layers=8, limits={"max_batch_rows": 64, "max_queue": 200})
    report = nonces.flood(server.port, 6000, depth=depth)
    nonces.assert_no_answer_is_anothers(report, 6000)


def test_no_answer_of_a_script_is_anothers_under_overload(folders, start):
    server = start(folders.write({}, code=nonces.SCRIPT, limits={"max_queue": 100})).wait()
    report = nonces.flood(server.port, 2000, depth=2)
    nonces.assert_no_answer_is_anothers(report, 2000)


def test_clients_that_leave_leave_nothing_behind(echo):
    server = echo("--run-in", "thread", size=64, layers=2)
    (pid,) = server.workers()
    leaving.assert_nothing_stays(leaving.leave(server.port, pid, 400), 400, slack=4 * 2**20)


def test_under_overload_the_most_is_done_and_the_rest_refused_at_once(echo):
    server = echo("--run-in", "thread", size=1024, layers=24, limits={"max_queue": 200})
    (pid,) = server.workers()
    found = overload.overload(server.port, pid, seconds=4)
    overload.assert_calm(found, goodput=0.1, refusal=10, samples=500, offered=1.0)


def test_a_killed_worker_costs_what_was_in_flight_and_is_soon_replaced(echo):
    server = echo("--workers", "2", "--run-in", "thread", size=256, layers=4)
    found = kills.kill_workers(server, rate=200, times=3, pause=0.5, retry=False)
    kills.assert_only_what_was_in_flight_is_lost(found, samples=300)


def test_a_client_that_tries_again_loses_nothing_to_killed_workers(echo):
    server = echo("--workers", "2", "--run-in", "thread", size=256, layers=4)
    found = kills.kill_workers(server, rate=200, times=3, pause=0.5, retry=True)
    found.report.assert_min_samples(300).assert_all_answered()


def test_a_reload_under_traffic_loses_nothing(echo):
    server = echo("--workers", "2", size=64, layers=2)
    report = kills.reload(server, rate=300, times=3, pause=0.3)
    report.assert_min_samples(500).assert_all_answered()
    report.phase("reload").assert_min_samples(50)


def test_a_stopped_server_answers_all_that_it_accepted(echo):
    server = echo("--workers", "2", "--run-in", "thread", size=256, layers=4)
    kills.assert_drained(kills.stop(server, rate=300, before=1.0), samples=200)


def test_traffic_that_goes_on_finds_a_steady_server(echo):
    server = echo("--workers", "2", "--run-in", "thread", size=64, layers=2)
    found = soak.soak(server, rate=300, seconds=6, warm_up=1, every=0.2)
    soak.assert_steady(found, samples=1000, memory=2**20 * 600, drift=2000)


def test_a_log_that_nobody_reads_holds_up_nothing(folders, start):
    folder = folders.write({"echo": (nonces.echo(folders.save), nonces.SIGNATURE, nonces.SAMPLE)})
    pipe = blocked_log.Pipe()
    server = start(folder, "--access-log", "all", log=pipe.write_end).wait()
    try:
        found = blocked_log.block(server, pipe, rate=200, seconds=1, flood=60_000)
        blocked_log.assert_unmoved(found, samples=150, slower=1000)
    finally:
        server.stop()
        pipe.join()


def test_with_a_log_that_nobody_reads_workers_are_replaced_and_the_server_stops(folders, start):
    folder = folders.write({"echo": (nonces.echo(folders.save), nonces.SIGNATURE, nonces.SAMPLE)})
    pipe = blocked_log.Pipe()
    server = start(folder, "--access-log", "all", log=pipe.write_end).wait()
    try:
        pipe.block()
        for _ in range(100):
            assert server.request("GET", "/live")[0] == 200
        assert pipe.full()
        before = server.workers()
        os.kill(before[0], signal.SIGKILL)
        kills.until_serving(server, 1, before)
        assert server.stop() == 0
    finally:
        server.stop()
        pipe.join()
