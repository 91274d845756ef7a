"""Calls that were sent to a script's process ahead of time run once or not at all, whatever becomes of it."""

import json
import os
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

SCRIPT = """
import json, os, time

def run(data):
    asked = json.loads(data)
    file = os.open("ran", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{asked['nonce']}\\n".encode())
    os.close(file)
    if asked["what"] == "exit": os._exit(7)
    if asked["what"] == "hang": time.sleep(3600)
    while asked["what"] == "wait" and not os.path.exists("go"): time.sleep(0.01)
    return {"nonce": asked["nonce"], "pid": os.getpid()}
"""


class Crowd:
    """Asks a server much at once, and knows what its script ran."""

    def __init__(self, server, folder):
        self.server = server
        self.file = folder / "code" / "ran"
        for number in range(60):  # what is quick is known of the script's runs from now on
            assert server.score({"what": "", "nonce": f"warm {number}"})[0] == 200

    @contextmanager
    def waiting(self):
        """Have a request run, until the body has ended."""
        score = self.server.score
        thread = threading.Thread(target=score, args=({"what": "wait", "nonce": "slow"},))
        thread.start()
        self.server.wait_for_requests(1)
        yield
        self.file.with_name("go").touch()
        thread.join()

    def ran(self):
        """How often each request was begun."""
        return Counter(name for name in self.file.read_text().split("\n") if name and not name.startswith("warm"))


@pytest.fixture
def crowd(folders, start):
    def begin(**limits):
        folder = folders.write({}, code=SCRIPT, limits=limits)
        return Crowd(start(folder).wait(), folder)

    return begin


def request(what, nonce, *, last=False):
    body = json.dumps({"what": what, "nonce": nonce}).encode()
    more = b"connection: close\r\n" if last else b""
    head = b"POST /score HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
    return head % (more, len(body)) + body


def all_of(whats):
    """Requests on one connection, in one piece; each has its place as its nonce."""
    return b"".join(request(what, str(n), last=n == len(whats) - 1) for n, what in enumerate(whats))


def told(responses):
    return [(status, json.loads(body).get("nonce")) for status, _, body in responses]


def test_a_death_costs_its_own_request_and_those_behind_it_run_once(crowd, responses):
    asked = crowd()
    whats = ["", "", "exit", *[""] * 12]
    answers = told(responses(asked.server.raw(all_of(whats))))
    assert answers == [(500, None) if what else (200, str(n)) for n, what in enumerate(whats)]
    assert asked.ran() == {str(n): 1 for n in range(len(whats))}


def test_deaths_one_after_the_other_cost_one_request_each(crowd, responses):
    asked = crowd()
    whats = ["exit", "", "exit", "", ""]
    answers = told(responses(asked.server.raw(all_of(whats))))
    assert answers == [(500, None) if what else (200, str(n)) for n, what in enumerate(whats)]
    assert asked.ran() == {str(n): 1 for n in range(len(whats))}


def test_a_hang_costs_its_own_request_and_those_behind_it_run_once(crowd, responses):
    asked = crowd(timeout=8.0)
    hung = []
    thread = threading.Thread(target=lambda: hung.append(asked.server.score({"what": "hang", "nonce": "hung"})))
    thread.start()
    time.sleep(6.0)  # so that those behind have time left when it is known to hang
    answers = told(responses(asked.server.raw(all_of([""] * 12))))
    thread.join()
    assert (hung[0][0], hung[0][1]["code"]) == (504, "deadline")
    assert answers == [(200, str(n)) for n in range(12)]
    assert asked.ran() == {"hung": 1, **{str(n): 1 for n in range(12)}}


def test_what_lies_behind_a_long_run_is_not_begun_once_its_client_is_gone(crowd):
    asked = crowd()
    with asked.waiting():
        with socket.create_connection(("127.0.0.1", asked.server.port)) as connection:
            connection.sendall(all_of([""] * 5))
            asked.server.wait_for_requests(6)
            # a reset is noticed at once
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        asked.server.wait_for_requests(1)
    assert asked.server.score({"what": "", "nonce": "after"})[0] == 200
    assert asked.ran() == {"slow": 1, "after": 1}


def test_what_lies_behind_a_long_run_is_not_begun_once_its_time_has_passed(crowd):
    asked = crowd()
    with asked.waiting():
        status, answer = asked.server.score({"what": "", "nonce": "late"}, **{"x-request-timeout": "0.1"})
    assert (status, answer["code"]) == (504, "deadline")
    assert asked.server.score({"what": "", "nonce": "after"})[0] == 200
    assert asked.ran() == {"slow": 1, "after": 1}


def test_a_killed_process_loses_one_request_at_most_under_load(crowd):
    asked = crowd()
    pid = asked.server.score({"what": "", "nonce": "warm"})[1]["pid"]
    answers = []

    def ask(first):
        for number in range(first, first + 40):
            status, answer = asked.server.score({"what": "", "nonce": str(number)})
            answers.append((status, answer.get("nonce"), number))

    threads = [threading.Thread(target=ask, args=(1000 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    os.kill(pid, 9)
    for thread in threads:
        thread.join()
    lost = [number for status, _, number in answers if status == 500]
    assert len(lost) <= 1
    assert all(status == 200 and nonce == str(number) for status, nonce, number in answers if number not in lost)
    assert len(answers) == 320
    assert set(asked.ran().values()) == {1}
