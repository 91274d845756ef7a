"""Many clients at once, workers that die, and servers that stop."""

import asyncio
import http.client
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import pytest

SLOW = """
import json, os, time
def run(data):
    asked = json.loads(data)
    if asked.get("die"):
        os._exit(9)
    while "until" in asked and not os.path.exists(asked["until"]):
        time.sleep(0.01)
    return {"nonce": asked.get("nonce"), "pid": os.getpid()}
"""


def post(body):
    head = b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def ask(reader, writer, data):
    writer.write(data)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), json.loads(await reader.readexactly(length))


async def nonces(port, first, count):
    """Ask one after the other on one connection; the wrong ones of the answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    wrong = []
    for nonce in range(first, first + count):
        bad = nonce % 7 == 0
        row = [nonce, "x" if bad else nonce % 11, 0, 0]
        status, answer = await ask(reader, writer, post(json.dumps({"data": [row] * (1 + nonce % 3)}).encode()))
        if bad:
            right = status == 400 and answer["got"] == "the text 'x'"
        else:
            right = status == 200 and answer["prediction"] == [nonce + nonce % 11] * (1 + nonce % 3)
        if not right:
            wrong.append((nonce, status, answer))
    writer.close()
    return wrong


@pytest.mark.parametrize("place", ["loop", "thread"])
def test_answers_are_never_mixed_up(double_folder, start, place):
    server = start(double_folder, "--workers", "2", "--run-in", place, "--access-log", "off").wait()

    async def crowd():
        return await asyncio.gather(*(nonces(server.port, 1000 * client, 100) for client in range(40)))

    results = asyncio.run(crowd())
    assert [wrong for one in results for wrong in one] == []
    counts = server.metrics()
    assert sum(counts.scoring("requests_total", model="double", code=code) for code in ("200", "400")) == 4000
    assert counts.scoring("rows_total") > counts.scoring("batch_rows_count") > 0


def test_metrics_are_the_sum_of_all_workers(double_folder, start, rows):
    server = start(double_folder, "--workers", "3").wait()
    for _ in range(60):
        assert server.score({"data": rows})[0] == 200
    assert [server.metrics().scoring("rows_total", model="double", version="1") for _ in range(10)] == [480] * 10


def test_a_killed_worker_is_replaced_and_the_other_serves_meanwhile(double_folder, start, rows):
    server = start(double_folder, "--workers", "2").wait()
    end = time.monotonic() + 60
    while len(server.workers()) < 2 or server.metrics().scoring("workers") < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    before = set(server.workers())
    os.kill(min(before), signal.SIGKILL)
    answered = failed = 0
    while time.monotonic() < end:
        try:
            answered += server.score({"data": rows})[0] == 200
        except (OSError, http.client.HTTPException):
            failed += 1
        if answered >= 50 and len(set(server.workers()) - before) == 1:
            break
    assert answered >= 50
    assert failed <= 1
    assert len(server.workers()) == 2
    counts = server.metrics()
    assert (counts.scoring("in_flight"), counts.scoring("workers_started_total")) == (1, 3)
    assert counts.scoring("requests_total", model="double", code="200") >= answered


def test_a_full_queue_is_503_with_retry_after(folders, start, tmp_path):
    server = start(folders.write({}, code=SLOW, limits={"max_queue": 1})).wait()
    body, kind = json.dumps({"until": str(tmp_path / "go")}), {"content-type": "application/json"}
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(server.request, "POST", "/score", body, kind) for _ in range(8)]
        refused = [one.result() for one in islice(as_completed(asked, timeout=60), 5)]
        (tmp_path / "go").touch()
    assert 200 in {one.result()[0] for one in asked}
    for status, headers, answer in refused:
        assert (status, headers["retry-after"], json.loads(answer)["code"]) == (503, "1", "queue-full")


def test_work_whose_client_is_gone_is_not_run(folders, start, tmp_path):
    code = SLOW + "\n_run = run\ndef run(data):\n    print('RAN', data, flush=True)\n    return _run(data)\n"
    server = start(folders.write({}, code=code)).wait()
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(post(json.dumps({"until": str(tmp_path / "go")}).encode()))
        server.wait_for_requests(1)
        with socket.create_connection(("127.0.0.1", server.port)) as gone:
            gone.sendall(post(b'{"nonce": "gone"}'))
            server.wait_for_requests(2)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.wait_for_requests(1)
        (tmp_path / "go").touch()
        assert server.score({"nonce": "here"})[1]["nonce"] == "here"
    server.logged(lambda line: "here" in line["text"])
    assert '\\"gone' not in server.log


def test_sigterm_answers_what_is_in_flight(folders, start, responses, tmp_path):
    server = start(folders.write({}, code=SLOW)).wait()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(post(json.dumps({"until": str(tmp_path / "go"), "nonce": 3}).encode()))
        server.wait_for_requests(1)
        server.process.send_signal(signal.SIGTERM)
        late = socket.create_connection(("127.0.0.1", server.port), timeout=60)  # it goes on accepting for a moment
        late.sendall(post(b'{"nonce": 4}'))
        time.sleep(0.3)  # until after that moment
        (tmp_path / "go").touch()
        ((status, headers, body),) = responses(connection.recv(65536))
        assert (status, headers["connection"], json.loads(body)["nonce"]) == (200, "close", 3)
        assert connection.recv(10) == b""
        ((status, headers, body),) = responses(late.recv(65536))
        assert (status, headers["connection"], json.loads(body)["nonce"]) == (200, "close", 4)
        late.close()
    assert server.process.wait(60) == 0


def test_an_idle_connection_does_not_hold_up_a_stop(double_folder, start):
    server = start(double_folder, "--graceful-timeout", "3600").wait()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: here\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert server.stop() == 0
        assert connection.recv(10) == b""


def test_keys_rotate_without_a_restart_and_without_a_gap(double_folder, start, keys_file, key, rows):
    server = start(double_folder, "--keys-file", str(keys_file)).wait()
    new = "another-key-0123456789"
    temporary = keys_file.with_suffix(".new")
    temporary.touch(0o600)
    temporary.write_text(json.dumps({"primary": new, "secondary": key}))
    temporary.replace(keys_file)
    end = time.monotonic() + 60
    while server.score({"data": rows}, Authorization=f"Bearer {new}")[0] != 200:
        assert time.monotonic() < end
        assert server.score({"data": rows}, Authorization=f"Bearer {key}")[0] == 200
    assert server.score({"data": rows}, **{"x-api-key": new})[0] == 200
    assert server.score({"data": rows}, **{"x-api-key": key[1:]})[0] == 401
    keys_file.write_text("{")
    server.logged(lambda line: "stay as they were" in line["text"])
    assert server.score({"data": rows}, Authorization=f"Bearer {new}")[0] == 200
    assert server.stop() == 0
    assert "were read again" in server.log
    assert new not in server.log


def test_a_reload_serves_on(double_folder, start, rows):
    server = start(double_folder).wait()
    before = server.workers()
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 60
    while set(server.workers()) & set(before) or not server.workers():
        assert server.score({"data": rows})[0] == 200
        assert time.monotonic() < end
    server.wait()
    assert server.score({"data": rows})[0] == 200
