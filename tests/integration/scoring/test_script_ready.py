"""A worker whose script has no process for longer than a moment says so, and leaves new clients to the others."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

SCRIPT = """
import json, os, time

def init():
    while os.path.exists("hold"):
        time.sleep(0.02)

def run(data):
    if json.loads(data) == "exit": os._exit(7)
    return os.getpid()
"""


def until_ready_is(server, status):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found, _, body = server.request("GET", "/ready")
        if found == status:
            return json.loads(body)
        time.sleep(0.02)
    raise AssertionError(f"/ready is not {status}\n{server.log}")


def test_a_server_is_not_ready_while_its_only_script_is_away_and_then_again(folders, start):
    folder = folders.write({}, code=SCRIPT)
    server = start(folder).wait()
    hold = folder / "code" / "hold"
    hold.touch()
    assert server.score('"exit"')[0] == 500
    refused = until_ready_is(server, 503)
    assert (refused["code"], refused["phase"]) == ("not-ready", "restarting")
    assert server.request("GET", "/live")[0] == 200
    assert server.metrics().scoring("workers") == 0
    hold.unlink()
    until_ready_is(server, 200)
    assert server.score('"pid"')[0] == 200
    assert server.metrics().scoring("workers_started_total") == 1


def test_a_worker_without_a_script_leaves_new_clients_to_the_others(folders, start):
    folder = folders.write({}, code=SCRIPT)
    server = start(folder, "--workers", "2").wait()
    server.wait_for_workers(2)
    hold = folder / "code" / "hold"
    hold.touch()
    dead = server.score('"pid"')[1]
    os.kill(dead, 9)
    server.logged(lambda line: line["text"] == "The phase restarting begins.")
    time.sleep(0.5)  # so that its loop has seen to its sockets
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.score('"pid"'), range(64)))
    assert {status for status, _ in answers} == {200}
    assert len({pid for _, pid in answers} - {dead}) == 1
    assert server.request("GET", "/ready")[0] == 200
    hold.unlink()
    server.wait_for_workers(2)
    pids = set()
    end = time.monotonic() + 60
    while len(pids) < 2 and time.monotonic() < end:
        with ThreadPoolExecutor(16) as pool:
            pids |= {pid for _, pid in pool.map(lambda _: server.score('"pid"'), range(64))}
    assert len(pids) == 2


def test_a_worker_that_is_killed_while_its_script_is_away_is_replaced(folders, start):
    folder = folders.write({}, code=SCRIPT)
    server = start(folder).wait()
    (folder / "code" / "hold").touch()
    assert server.score('"exit"')[0] == 500
    until_ready_is(server, 503)
    os.kill(server.workers()[0], 9)
    (folder / "code" / "hold").unlink()
    until = time.monotonic() + 20
    while server.process.poll() is None and time.monotonic() < until:
        if server.log.count("The phase serving begins.") == 2:
            break
        time.sleep(0.05)
    assert server.process.poll() is None, server.log
    assert server.score('"pid"')[0] == 200
