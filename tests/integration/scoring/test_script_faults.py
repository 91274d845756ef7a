"""A script that dies or hangs costs its own request, and no other."""

import http.client
import json
import os
import signal
import threading
import time

import pytest

SCRIPT = """
import ctypes, json, os, re, resource, sys, time

def init():
    print("init in", os.getpid())

def run(data):
    asked = json.loads(data)
    what = asked.get("what")
    if what == "exit": os._exit(7)
    if what == "segfault": ctypes.string_at(0)
    if what == "kill": os.kill(os.getpid(), 9)
    if what == "sys.exit": sys.exit(3)
    if what == "memory":
        limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (2**34, limits[1]))
        try:
            bytearray(2**40)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)
    if what == "deep": return run(data)
    if what == "loop":
        while True: pass
    if what == "loop with the GIL": re.match("(a+)+$", "a" * 60 + "b")
    if what == "fork and hang":
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        os._exit(1)
    time.sleep(asked.get("sleep", 0))
    return {"nonce": asked.get("nonce"), "pid": os.getpid()}
"""
DEADLY = [("exit", "the status 7"), ("segfault", "SIGSEGV"), ("kill", "SIGKILL"), ("fork and hang", "the status 1")]


WORKERS = pytest.mark.parametrize("workers", [1, 2], ids=["1 worker", "2 workers"], indirect=True)


@pytest.fixture(scope="module")
def workers(request):
    return str(getattr(request, "param", 1))


@pytest.fixture(scope="module")
def server(make_folders, start_in_module, workers):
    return start_in_module(make_folders.write({}, code=SCRIPT), "--workers", workers).wait()


@pytest.fixture(scope="module")
def hasty(make_folders, start_in_module, workers):
    """A server that gives runs little time."""
    folder = make_folders.write({}, code=SCRIPT, limits={"timeout": 0.8})
    return start_in_module(folder, "--workers", workers).wait()


def crowd(server, bad, others=4):
    """Send a request, and others right behind it; the answers of both."""
    answers = []

    def send(nonce):
        try:
            answers.append((nonce, server.score({"nonce": nonce})))
        except (OSError, http.client.HTTPException) as error:
            answers.append((nonce, (0, repr(error))))

    first = []
    threads = [threading.Thread(target=lambda: first.append(server.score({"what": bad})))]
    threads += [threading.Thread(target=send, args=(nonce,)) for nonce in range(others)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    return first[0], answers


@WORKERS
@pytest.mark.parametrize(("what", "how"), DEADLY)
def test_a_run_that_ends_its_process_gets_500_and_the_others_their_answers(server, what, how):
    (status, answer), others = crowd(server, what)
    assert (status, answer["code"]) == (500, "script-died")
    assert how in answer["text"]
    if what == "segfault":
        line = server.logged(lambda line: "SIGSEGV" in line["text"] and "traceback" in line)
        assert 'code/score.py", line' in line["traceback"]
    assert [(nonce, got[0], got[1]["nonce"]) for nonce, got in sorted(others)] == [(n, 200, n) for n in range(4)]


@WORKERS
@pytest.mark.parametrize("what", ["loop", "loop with the GIL"])
def test_a_run_that_never_ends_gets_504_and_the_others_an_answer_or_a_word_to_try_again(hasty, what):
    (status, answer), others = crowd(hasty, what)
    assert (status, answer["code"]) == (504, "deadline")
    line = hasty.logged(lambda line: "took longer" in line["text"] and line["request_id"] == answer["request_id"])
    assert 'code/score.py", line' in line["traceback"]
    for nonce, (code, got) in others:
        assert (code == 200 and got["nonce"] == nonce) or code in {503, 504}, got
    end = time.monotonic() + 60
    while (answer := hasty.score({"nonce": "after"}))[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert answer[1]["nonce"] == "after"


@pytest.mark.parametrize(
    ("what", "kind"), [("sys.exit", "SystemExit"), ("memory", "MemoryError"), ("deep", "RecursionError")]
)
def test_a_run_that_raises_goes_on_in_the_same_process(server, what, kind):
    before = server.score({})[1]["pid"]
    status, answer = server.score({"what": what})
    assert (status, answer["code"]) == (500, "script-failed")
    assert kind in answer["text"]
    assert server.score({})[1]["pid"] == before


@WORKERS
def test_no_worker_was_lost(server):
    assert server.metrics().scoring("workers_started_total") == len(server.workers())


def test_what_runs_beside_a_run_that_hangs_is_told_to_try_again(folders, start):
    folder = folders.write({}, code=SCRIPT, limits={"timeout": 8.0})
    service = json.loads((folder / "service.json").read_bytes())
    service["code"]["concurrency"] = 2
    (folder / "service.json").write_text(json.dumps(service))
    server = start(folder).wait()
    answers = {}

    def send(name, document, wait):
        time.sleep(wait)
        answers[name] = server.score(document)

    calls = [("hangs", {"sleep": 3600}, 0), ("beside", {"sleep": 3600}, 2), ("later", {"nonce": 1}, 6)]
    threads = [threading.Thread(target=send, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers["hangs"][0] == 504
    assert (answers["beside"][0], answers["beside"][1]["code"]) == (503, "not-ready")
    assert answers["later"][0] == 200


def test_a_process_dies_with_its_worker(folders, start):
    server = start(folders.write({}, code=SCRIPT)).wait()
    pid = server.score({})[1]["pid"]
    os.kill(server.workers()[0], signal.SIGKILL)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.02)
    else:
        raise AssertionError("the process of the script lives on")
