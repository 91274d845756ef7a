"""The process of a script runs calls in order, and gives back what it could not begin in time."""

import asyncio
import socket
import threading
import time
from math import inf

import pytest

from modelyard_scoring.scripts.messages import Call, Inbox, Result, receive, write
from modelyard_scoring.scripts.runner import _serve_line, _serve_line_in_loop


class Script:
    def __init__(self):
        self.ran = []

    def answer(self, call):
        self.ran.append(call.request_id)
        return Result(body=call.request_id.encode())

    async def answer_later(self, call):
        return self.answer(call)


SERVE = {
    "in a thread": _serve_line,
    "in a loop": lambda script, line: asyncio.run(_serve_line_in_loop(script, line)),
}


@pytest.mark.parametrize("serve", SERVE.values(), ids=SERVE)
def test_calls_whose_time_has_passed_come_back_and_the_others_run_in_order(serve):
    own, other = socket.socketpair()
    script = Script()
    thread = threading.Thread(target=serve, args=(script, other))
    thread.start()
    calls = bytearray()
    for name, until in {"a": inf, "b": time.monotonic() - 1, "c": time.monotonic() + 60}.items():
        write(calls, Call(request_id=name, method="POST", target=b"", headers={}, body=bytes(100_000)), until)
    own.sendall(calls)
    inbox = Inbox(Result)
    results = [receive(own, inbox)[1] for _ in range(3)]
    own.close()
    thread.join()
    other.close()
    assert [None if result is None else result.body for result in results] == [b"a", None, b"c"]
    assert script.ran == ["a", "c"]
