"""Workers that are killed, also while they start, are replaced; those that can never start end the server."""

import json
import os
import random
import signal
import sys
import time

import pytest
from tests.integration.scoring.crowd import FULL

from modelyard_scoring import starts

# the worker itself imports an application, so that a fault in compiled code is its own end
FRAGILE = """
import ctypes, pathlib, time
if pathlib.Path({flag!r}).exists():
    ctypes.string_at(0)
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"well"]
"""
SLOW = (
    """
import time
time.sleep({pause})
"""
    + FRAGILE
)
IMPATIENT = f"""
import runpy, sys
from modelyard_scoring import starts
starts._PATIENCE = {starts._PATIENCE if FULL else 4.0}
sys.argv = sys.argv[3:]
runpy.run_module("modelyard_scoring", run_name="__main__", alter_sys=True)
"""
"""Gives up after seconds, where the server goes on for half a minute."""


def kill_one(server, chance):
    """Kill a worker at any moment."""
    time.sleep(chance.uniform(0, 0.5))
    while not (workers := server.workers()):
        assert server.process.poll() is None, server.log
        time.sleep(0.01)
    os.kill(chance.choice(workers), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_are_killed_at_any_moment_are_replaced(folders, start, tmp_path, workers):
    folder = folders.write_application(SLOW.format(pause=0.2, flag=str(tmp_path / "never")))
    server = start(folder, "--workers", str(workers)).wait()
    server.wait_for_workers(workers)
    chance = random.Random(workers)
    rounds = 24 if FULL else 4
    for _ in range(rounds):
        for _ in range(3):
            kill_one(server, chance)
        server.wait()
        assert server.request("GET", "/")[2] == b"well"
    server.wait_for_workers(workers)
    assert server.log.count("was sent SIGKILL") >= 2 * rounds
    assert "The phase import of " in server.log
    assert not server.failure_file.exists()
    assert server.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_crashes_at_each_start_ends_the_server(folders, start, tmp_path, workers):
    flag = tmp_path / "flag"
    flag.touch()
    server = start(folders.write_application(FRAGILE.format(flag=str(flag))), "--workers", str(workers))
    assert server.process.wait(60) == 3
    failure = json.loads(server.failure_file.read_text())
    assert (failure["phase"], failure["type"]) == ("import", "WorkerDiedError")


def test_a_server_that_has_served_and_can_start_no_worker_any_more_ends(folders, start, tmp_path):
    flag = tmp_path / "flag"
    server = start(
        folders.write_application(FRAGILE.format(flag=str(flag))), launcher=[sys.executable, "-c", IMPATIENT]
    ).wait()
    flag.touch()
    os.kill(server.workers()[0], signal.SIGKILL)
    assert server.process.wait(120) == 3
    failure = json.loads(server.failure_file.read_text())
    assert (failure["phase"], failure["type"]) == ("import", "WorkerDiedError")
    assert server.log.count("was sent SIGSEGV") >= 3


def test_a_reload_during_the_first_start_is_no_failed_start(folders, start, tmp_path):
    server = start(folders.write_application(SLOW.format(pause=1, flag=str(tmp_path / "never"))))
    server.address()
    for _ in range(3):
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    assert server.wait().request("GET", "/")[2] == b"well"
    assert server.stop() == 0
