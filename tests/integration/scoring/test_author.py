"""What an author has while writing a script: code that is loaded again, a debugger, tracebacks."""

import json
import socket
import threading
import time

import pytest
from tests.ports import free_port

SCRIPT = """
import json
ANSWER = {answer!r}
def run(data):
    return work(json.loads(data))
def work(asked):
    if asked == "fail":
        secret = "a secret"
        raise ValueError("a reason")
    if asked == "library":
        return json.loads("{{")
    return ANSWER
"""


def write(folder, text):
    """Write the script as editors do: wholly, by another file."""
    file = folder / "code" / "score.py"
    new = file.with_name(".score.py.new")
    new.write_text(text)
    new.replace(file)


def until(server, wanted):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if (answer := server.score("0")) == (200, wanted):
            return
        assert answer[0] == 200, answer
    raise AssertionError(f"not answered: {wanted}\n{server.log}")


def test_changed_code_is_loaded_without_losing_a_request(folders, start):
    folder = folders.write({}, code=SCRIPT.format(answer="first"))
    server = start(folder, "--reload", "--access-log", "errors").wait()
    stop = threading.Event()
    answers = []

    def ask():
        while not stop.is_set():
            answers.append(server.score("0"))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        until(server, "first")
        write(folder, SCRIPT.format(answer="second"))
        until(server, "second")
        write(folder, "def run(data) return 1")
        line = server.logged(lambda line: "goes on serving" in line["text"])
        assert "SyntaxError" in line["text"]
        assert server.score("0") == (200, "second")
        (folder / "code" / "beside.py").write_text("VALUE = 'third'")
        write(folder, "import beside\ndef run(data): return beside.VALUE")
        until(server, "third")
        (folder / "code" / "beside.py").write_text("VALUE = 'forth'")
        until(server, "forth")
    finally:
        stop.set()
        thread.join()
    assert {status for status, _ in answers} == {200}
    assert [text for _, text in answers] == sorted((text for _, text in answers), key="first second third forth".find)
    assert len(server.workers()) == 1


def test_code_that_fails_at_the_start_is_loaded_once_it_is_mended(folders, start):
    folder = folders.write({}, code="import not_there_at_all")
    server = start(folder, "--reload")
    server.wait("/live")
    assert "not_there_at_all" in server.logged(lambda line: "is waited for" in line["text"])["text"]
    assert server.score("0")[1]["code"] == "not-ready"
    write(folder, SCRIPT.format(answer="mended"))
    server.wait()
    assert server.score("0") == (200, "mended")


@pytest.mark.parametrize("what", ["fail", "library"])
def test_a_traceback_in_the_log_has_the_author_s_frames(folders, start, what):
    folder = folders.write({}, code=SCRIPT.format(answer=1))
    server = start(folder).wait()
    status, answer = server.score(json.dumps(what), **{"x-request-id": "mine"})
    assert (status, sorted(answer)) == (500, ["code", "request_id", "text"])
    line = server.logged(lambda line: "The script failed" in line["text"])
    assert line["request_id"] == "mine"
    frames = [text for text in line["traceback"].splitlines() if text.startswith("  ")]
    assert "  ... 1 frame of modelyard_scoring" in frames[0]
    assert [text.partition(", ")[2] for text in frames if "File" in text] == [
        "line 5, in run",
        f"line {work(what)}, in work",
    ]
    if what == "library":
        assert "frames of Python" in frames[-1]


def work(what):
    return {"fail": 9, "library": 11}[what]


class Debugger:
    """A debugger of the kind that editors have, as much of it as is needed."""

    def __init__(self, port):
        end = time.monotonic() + 60
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", port), timeout=60)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < end
                time.sleep(0.05)
        self.file = self.connection.makefile("rb")
        self.number = 0

    def send(self, command, **arguments):
        self.number += 1
        message = json.dumps({"seq": self.number, "type": "request", "command": command, "arguments": arguments})
        self.connection.sendall(f"Content-Length: {len(message)}\r\n\r\n{message}".encode())

    def until(self, **wanted):
        while True:
            length = int(self.file.readline().partition(b":")[2])
            self.file.readline()
            message = json.loads(self.file.read(length))
            if all(message.get(name) == value for name, value in wanted.items()):
                return message


def test_a_debugger_stops_at_a_breakpoint_and_failures_show_their_traceback(folders, start):
    port = free_port()
    folder = folders.write({}, code=SCRIPT.format(answer=1), limits={"timeout": 0.5})
    server = start(folder, "--debug", "--debug-port", str(port))
    server.wait("/live")
    debugger = Debugger(port)
    debugger.send("initialize", adapterID="test")
    debugger.send("attach", justMyCode=False)
    debugger.until(event="initialized")
    assert server.score('"fail"')[1]["code"] == "not-ready"
    script = str(folder / "code" / "score.py")
    debugger.send("setBreakpoints", source={"path": script}, breakpoints=[{"line": 12}])
    debugger.send("configurationDone")
    server.wait()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(server.score("0")))
    thread.start()
    stopped = debugger.until(event="stopped")
    time.sleep(0.8)  # longer than a request has without --debug
    assert answers == []
    assert server.request("GET", "/live")[0] == 200
    debugger.send("setBreakpoints", source={"path": script}, breakpoints=[])
    debugger.send("continue", threadId=stopped["body"]["threadId"])
    thread.join(60)
    assert answers == [(200, 1)]
    status, answer = server.score('"fail"')
    assert (status, answer["code"]) == (500, "script-failed")
    assert answer["traceback"][-1] == "ValueError: a reason"
    assert [line for line in answer["traceback"] if "File" in line] == [
        f'  File "{script}", line 5, in run',
        f'  File "{script}", line 9, in work',
    ]
    debugger.connection.close()


@pytest.mark.parametrize("more", [["--reload"], ["--workers", "2"]])
def test_a_debugger_wants_one_process(double_folder, start, more):
    server = start(double_folder, "--debug", *more)
    assert server.process.wait(60) == 2
    assert "--debug" in server.log
