"""Restarts, reloads and killed workers under load: nothing that was asked stays without its answer."""

import contextlib
import http.client
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from tests.integration.scoring.crowd import FULL, Crowd

# as systemd hands sockets over: from the descriptor 3 on, with their number and the process they are for
AS_SYSTEMD = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_FDS'] = '1'; "
    "os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[2], sys.argv[2:])"
)


def serving(server):
    """Wait until a worker of this server serves, whoever else answers at its port."""
    return server.logged(lambda line: line["text"] == "The phase serving begins.")


def wait_until(condition, timeout=90):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as made:
        yield made


@pytest.mark.parametrize("way", ["fd", "systemd"])
def test_a_successor_at_the_same_socket_drops_nothing(double_folder, start, listener, way):
    fd, port = listener.fileno(), listener.getsockname()[1]

    def begin():
        if way == "fd":
            return start(double_folder, "--fd", str(fd), "--access-log", "errors", pass_fds=[fd])
        launcher = [sys.executable, "-c", AS_SYSTEMD, str(fd)]
        return start(double_folder, "--access-log", "errors", pass_fds=[fd], launcher=launcher)

    server = begin().wait()
    assert server.port == port
    with Crowd(port) as crowd:
        for _ in range(6 if FULL else 2):
            crowd.wait_for(crowd.answered + (1000 if FULL else 300))
            successor = begin()
            serving(successor)
            assert server.stop() == 0
            server = successor
        crowd.wait_for(crowd.answered + 200)
    print(f"{crowd.answered} answered, {len(crowd.failed)} lost")
    assert crowd.failed == []


def test_a_plain_restart_answers_all_that_connected_before(double_folder, start, responses, read):
    server = start(double_folder).wait()
    waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(50)]
    server.process.send_signal(signal.SIGTERM)
    for connection in waiting:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for connection in waiting:
        assert responses(read(connection))[0][0] == 200
        connection.close()
    assert server.process.wait(60) == 0


def test_a_master_succeeds_another_on_sigusr2(double_folder, start, listener):
    fd = listener.fileno()
    server = start(double_folder, "--fd", str(fd), "--access-log", "errors", pass_fds=[fd]).wait()
    former = server.process.pid
    with Crowd(server.port) as crowd:
        crowd.wait_for(200)
        server.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: json.loads(server.address_file.read_text())["pid"] != former)
        successor = json.loads(server.address_file.read_text())["pid"]
        try:
            wait_until(lambda: server.log.count("The phase serving begins.") == 2)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(60) == 0
            crowd.wait_for(crowd.answered + 200)
        finally:
            crowd.__exit__()
            os.kill(successor, signal.SIGTERM)
            wait_until(lambda: not Path(f"/proc/{successor}/cmdline").read_bytes())
    assert crowd.failed == []


def test_a_reload_takes_settings_keys_and_certificates_and_loses_nothing(double_folder, start, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("max_headers = 50\nworkers = 2\n")
    server = start(double_folder, "--settings-file", str(file), "--access-log", "errors").wait()
    many = {f"x-{number}": "1" for number in range(20)}
    assert server.request("GET", "/live", headers=many)[0] == 200
    with Crowd(server.port) as crowd:
        for limit in (5, 60):
            crowd.wait_for(crowd.answered + 300)
            before = set(server.workers())
            file.write_text(f'max_headers = {limit}\nworkers = 3\ncors_origins = ["https://a.example"]\n')
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda before=before: not before & set(server.workers()))
            assert server.request("GET", "/live", headers=many)[0] == (431 if limit == 5 else 200)
        crowd.wait_for(crowd.answered + 300)
    assert crowd.failed == []
    assert len(server.workers()) == 2
    server.logged(lambda line: line["text"].endswith("take effect with a restart: workers."))
    server.logged(lambda line: line["text"].endswith("changed: cors_origins, max_headers."))


def test_many_reloads_that_change_keys_limits_and_the_log_level_lose_nothing(double_folder, start, tmp_path, key):
    file, keys = tmp_path / "settings.toml", tmp_path / "keys.json"
    former, latter = key, key[::-1]

    def write(turn):
        pair = (former, latter) if turn % 2 else (latter, former)
        keys.touch(0o600)
        keys.write_text(json.dumps({"primary": pair[0], "secondary": pair[1]}))
        level = ("info", "debug", "warning")[turn % 3]
        file.write_text(f'max_headers = {50 + turn}\nlog_level = "{level}"\nkeys_file = "{keys}"\n')

    write(0)
    server = start(double_folder, "--settings-file", str(file), "--workers", "2", "--access-log", "errors").wait()
    with Crowd(server.port, key=key) as crowd:
        for turn in range(1, 20 if FULL else 9):
            crowd.wait_for(crowd.answered + 100)
            before = set(server.workers())
            write(turn)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda before=before: server.workers() and not before & set(server.workers()))
            fields = {f"x-{number}": "1" for number in range(49 + turn)}
            wait_until(lambda fields=fields: server.request("GET", "/live", headers=fields)[0] == 431)
        crowd.wait_for(crowd.answered + 100)
    print(f"{crowd.answered} answered, {len(crowd.failed)} lost")
    assert crowd.failed == []
    assert '"level":"debug"' in server.log
    assert server.stop() == 0


LATE = """
import os, time
for number, pause in enumerate((2, 8)):  # both workers accept until one of them serves; the next ones load at once
    try:
        os.close(os.open({flag!r} + str(number), os.O_CREAT | os.O_EXCL))
        time.sleep(pause)
        break
    except FileExistsError:
        continue
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"well"]
"""


def test_a_worker_that_is_told_to_end_while_it_loads_answers_those_who_wait_for_it(folders, start, tmp_path):
    folder = folders.write_application(LATE.format(flag=str(tmp_path / "flag")))
    server = start(folder, "--workers", "2").wait("/live")
    wait_until(lambda: server.log.count("The phase import of") == 2)
    with contextlib.ExitStack() as opened:
        asking = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(60)]
        for connection in asking:
            opened.callback(connection.close)
            connection.request("GET", "/live")
            assert connection.getresponse().read()
        serving(server)
        for connection in asking:
            connection.request("GET", "/")
        answered = select.select([one.sock for one in asking], [], [], 60)[0]
        assert 0 < len(answered) < 60  # the others are those of the worker that still loads
        assert server.log.count("The phase serving begins.") == 1

        server.process.send_signal(signal.SIGHUP)

        assert [one.getresponse().read() for one in asking] == [b"well"] * 60
    assert server.stop() == 0


UNUSABLE = ["max_headers = 0", "max_headrs = 50", "= ", "keys_file = '/no/such/file'"]


def test_a_reload_with_settings_that_cannot_be_used_changes_nothing(double_folder, start, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("max_headers = 50\n")
    server = start(double_folder, "--settings-file", str(file)).wait()
    for count, content in enumerate(UNUSABLE, 1):
        before = set(server.workers())
        file.write_text(content)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda before=before: server.workers() and not before & set(server.workers()))
        assert server.log.count("The settings stay as they were") == count
    assert server.request("GET", "/live", headers={f"x-{number}": "1" for number in range(49)})[0] == 431
    assert server.request("GET", "/live", headers={f"x-{number}": "1" for number in range(40)})[0] == 200
    assert server.stop() == 0


def test_a_killed_worker_costs_only_what_it_had_in_hand(double_folder, start):
    server = start(double_folder, "--workers", "2", "--access-log", "off").wait()
    seconds = []
    with Crowd(server.port, fresh=4, kept=2) as crowd:
        for kill in range(30 if FULL else 6):
            wait_until(lambda: b"modelyard_scoring_workers 2\n" in server.request("GET", "/metrics")[2])
            crowd.wait_for(crowd.answered + 50)
            failed, before = len(crowd.failed), set(server.workers())
            os.kill(sorted(before)[kill % 2], signal.SIGKILL)
            began = time.monotonic()
            wait_until(lambda before=before: set(server.workers()) - before)
            seconds.append(time.monotonic() - began)
            crowd.wait_for(crowd.answered + 20)
            assert len(crowd.failed) - failed <= 6, crowd.failed[failed:]
    print(f"{crowd.answered} answered, {len(crowd.failed)} lost, a new worker after {max(seconds):.3f} s at most")
    assert all("Connection" in str(one) or "Incomplete" in str(one) for one in crowd.failed), crowd.failed
    assert server.stop() == 0


def test_a_socket_that_is_open_to_others_is_refused_without_keys(double_folder, start):
    with socket.create_server(("0.0.0.0", 0)) as listener:
        server = start(double_folder, "--fd", str(listener.fileno()), pass_fds=[listener.fileno()])
        assert server.process.wait(60) == 3
    failure = json.loads(server.failure_file.read_text())
    assert (failure["phase"], failure["type"]) == ("listen", "SocketError")
    assert "bound to 0.0.0.0" in failure["message"]


def test_a_descriptor_that_is_no_socket_is_refused(double_folder, start, tmp_path):
    with (tmp_path / "file").open("wb") as file:
        server = start(double_folder, "--fd", str(file.fileno()), pass_fds=[file.fileno()])
        assert server.process.wait(60) == 3
    assert json.loads(server.failure_file.read_text())["phase"] == "listen"
