"""No request has two answers, an answer of another's, a 5xx, or none."""

import re
import socket
import threading
from pathlib import Path

import pytest
from tests.integration.scoring.crowd import FULL
from tests.integration.scoring.hostile import CHUNKED, CORPUS, ROWS

LIVE = b"GET /live HTTP/1.1\r\nHost: h\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Z]")


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    folder = make_folders.write({"double": make_folders.double}, limits={"max_body_bytes": 20_000})
    return start_in_module(folder, "--header-timeout", "2", "--body-timeout", "2", "--idle-timeout", "3").wait()


def statuses(answer):
    return tuple(int(status) for status in STATUS.findall(answer))


@pytest.mark.parametrize(("data", "wanted"), CORPUS.values(), ids=CORPUS.keys())
def test_each_has_the_answers_that_it_should(server, data, wanted):
    answer = server.raw(data + LIVE, shut=True)
    assert statuses(answer) == wanted
    assert b"Traceback" not in answer
    assert (b"connection: close" in answer.lower()) == (wanted[-1] != 200 or len(wanted) == 1)


def test_the_corpus_says_what_it_means():
    assert len(CORPUS) > 150
    assert {status for _, wanted in CORPUS.values() for status in wanted} == {200, 400, 404, 405, 421}


@pytest.mark.parametrize(
    "name", ["leading empty lines", "tab in a value", "extension", "trailer", "chunked get, a request in it"]
)
def test_what_is_sound_is_so_one_byte_at_a_time(server, name):
    data, wanted = CORPUS[name]
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data + LIVE:
            connection.sendall(bytes([byte]))
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert statuses(answer) == wanted


def test_the_worker_has_outlived_them_all(server):
    assert len(server.workers()) == 1
    assert server.log.count("The phase serving begins.") == 1
    assert "raceback" not in server.log


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def one_byte_each(count):
    padding = b"1\r\n \r\n" * (count - len(ROWS))
    return CHUNKED + b"\r\n" + padding + b"".join(b"1\r\n%c\r\n" % byte for byte in ROWS) + b"0\r\n\r\n"


def test_a_million_chunks_of_a_byte_cost_little(start, double_folder):
    server = start(double_folder, "--access-log", "off").wait()
    (worker,) = server.workers()
    data = one_byte_each(1_000_000)
    assert statuses(server.raw(data, timeout=120, shut=True)) == (200,)
    before = resident(worker)
    for _ in range(100 if FULL else 3):
        assert statuses(server.raw(data, timeout=120, shut=True)) == (200,)
    grown = resident(worker) - before
    print(f"resident memory grew by {grown / 2**20:.1f} MiB")
    assert grown < 16 * 2**20


@pytest.mark.parametrize(
    ("head", "around", "status"),
    [(CHUNKED + b"\r\n1;", b"a" * 100_000, 400), (CHUNKED + b"\r\n", b"400\r\n" + b" " * 1024 + b"\r\n", 413)],
    ids=["extension", "chunks"],
)
def test_a_body_that_never_ends_is_refused_in_time(server, head, around, status):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        stop = threading.Event()

        def pour():
            try:
                connection.sendall(head)
                while not stop.is_set():
                    connection.sendall(around)
            except OSError:
                return

        thread = threading.Thread(target=pour)
        thread.start()
        answer = connection.recv(65536)
        stop.set()
        connection.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert statuses(answer) == (status,)
