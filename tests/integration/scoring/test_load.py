"""Many clients at once, workers that die, and servers that stop."""

import asyncio
import http.client
import json
import os
import signal
import socket
import threading
import time

import pytest

SLOW = """
import json, os, time
def run(data):
    asked = json.loads(data)
    if asked.get("die"):
        os._exit(9)
    time.sleep(asked.get("sleep", 0))
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
    end = time.monotonic() + 10
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


def test_a_full_queue_is_503_with_retry_after(folders, start):
    server = start(folders.write({}, code=SLOW, limits={"max_queue": 1})).wait()
    results = []

    def send():
        body = json.dumps({"sleep": 0.4})
        results.append(server.request("POST", "/score", body, {"content-type": "application/json"}))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(status for status, _, _ in results)
    assert statuses[0] == 200
    assert statuses.count(503) >= 5
    for status, headers, body in results:
        if status == 503:
            assert headers["retry-after"] == "1"
            assert json.loads(body)["code"] == "queue-full"


def test_work_whose_client_is_gone_or_late_is_not_run(folders, start):
    code = SLOW + "\n_run = run\ndef run(data):\n    print('RAN', data, flush=True)\n    return _run(data)\n"
    server = start(folders.write({}, code=code, limits={"timeout": 0.8})).wait()
    slow = socket.create_connection(("127.0.0.1", server.port))
    slow.sendall(post(b'{"sleep": 0.5}'))
    time.sleep(0.1)
    gone = socket.create_connection(("127.0.0.1", server.port))
    gone.sendall(post(b'{"nonce": "gone"}'))
    time.sleep(0.1)
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    gone.close()
    assert server.score({"nonce": "here"})[1]["nonce"] == "here"
    slow.close()
    server.logged(lambda line: "here" in line["text"])
    assert '\\"gone' not in server.log


def test_sigterm_answers_what_is_in_flight(folders, start, responses):
    server = start(folders.write({}, code=SLOW)).wait()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(post(b'{"sleep": 0.8, "nonce": 3}'))
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        late = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        late.sendall(post(b'{"nonce": 4}'))
        ((status, headers, body),) = responses(connection.recv(65536))
        assert (status, headers["connection"], json.loads(body)["nonce"]) == (200, "close", 3)
        assert connection.recv(10) == b""
        ((status, headers, body),) = responses(late.recv(65536))
        assert (status, headers["connection"], json.loads(body)["nonce"]) == (200, "close", 4)
        late.close()
    assert server.process.wait(10) == 0


def test_an_idle_connection_does_not_hold_up_a_stop(double_folder, start):
    server = start(double_folder).wait()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: here\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
        assert connection.recv(10) == b""


def test_keys_rotate_without_a_restart_and_without_a_gap(double_folder, start, keys_file, key, rows):
    server = start(double_folder, "--keys-file", str(keys_file)).wait()
    new = "another-key-0123456789"
    temporary = keys_file.with_suffix(".new")
    temporary.touch(0o600)
    temporary.write_text(json.dumps({"primary": new, "secondary": key}))
    temporary.replace(keys_file)
    end = time.monotonic() + 10
    while server.score({"data": rows}, Authorization=f"Bearer {new}")[0] != 200:
        assert time.monotonic() < end
        assert server.score({"data": rows}, Authorization=f"Bearer {key}")[0] == 200
    assert server.score({"data": rows}, **{"x-api-key": new})[0] == 200
    assert server.score({"data": rows}, **{"x-api-key": key[1:]})[0] == 401
    keys_file.write_text("{")
    time.sleep(0.5)
    assert server.score({"data": rows}, Authorization=f"Bearer {new}")[0] == 200
    assert server.stop() == 0
    assert "were read again" in server.log
    assert "stay as they were" in server.log
    assert new not in server.log


def test_a_reload_serves_on(double_folder, start, rows):
    server = start(double_folder).wait()
    before = server.workers()
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 15
    while set(server.workers()) & set(before) or not server.workers():
        assert server.score({"data": rows})[0] == 200
        assert time.monotonic() < end
    server.wait()
    assert server.score({"data": rows})[0] == 200
