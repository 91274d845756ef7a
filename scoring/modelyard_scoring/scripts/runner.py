"""The process of a script, which the server starts with the numbers of the descriptors that both have.

``python -m modelyard_scoring.scripts.runner TRACES CONTROL LINE ...``
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from types import FrameType

from modelyard_scoring.failure import Failure
from modelyard_scoring.lifetime import end_with
from modelyard_scoring.scripts import azure
from modelyard_scoring.scripts.messages import (
    PART,
    RETURNED,
    Call,
    Failed,
    Inbox,
    Order,
    Phase,
    frame,
    receive,
    whole,
)
from modelyard_scoring.scripts.output import Output
from modelyard_scoring.scripts.script import Script
from modelyard_scoring.scripts.traces import write_traces
from modelyard_scoring.telemetry import log


def main(numbers: Sequence[str]) -> int:
    """Make the script ready, then run requests until the server is gone; return the exit status."""
    _end_with_the_server()
    traces, *sockets = map(int, numbers)
    write_traces(traces)
    control, *lines = (socket.socket(fileno=number) for number in sockets)
    orders: Inbox[Order] = Inbox(Order)
    _, order = receive(control, orders)
    assert order is not None  # noqa: S101 - only calls come back
    handler = log.log_to_stderr(order.log_level)
    output = Output(log.LogWriter(2), handler)
    script = Script(order, output)
    phase = "import"
    try:
        if order.debug_port is not None:
            from modelyard_scoring.debugger import await_debugger

            await_debugger(order.debug_port)
        if order.notes is not None:
            from modelyard_scoring.touched.notes import begin

            begin(order.notes)
        for phase in ("import", "init"):
            control.sendall(frame(Phase(phase)))
            script.enter(phase)
            output.finish()
        up = script.describe()
    except BaseException as error:  # noqa: BLE001 - a script may raise anything, SystemExit too
        control.sendall(frame(Failed(Failure.of(phase, error, Path(order.root)))))
        output.flush()
        return 1
    control.sendall(frame(up))
    _serve(script, lines)
    output.flush()
    return 0


def _serve(script: Script, lines: Sequence[socket.socket]) -> None:
    if script.waits:
        script.loop.run_until_complete(_serve_in_loop(script, lines))
        return
    for line in lines[1:]:
        threading.Thread(target=_serve_line, args=(script, line), name="run", daemon=True).start()
    _serve_line(script, lines[0])  # some libraries work in the main thread only


def _serve_line(script: Script, line: socket.socket) -> None:
    inbox: Inbox[Call] = Inbox(Call)
    try:
        while True:
            until, call = receive(line, inbox)
            line.sendall(RETURNED if call is None or until < monotonic() else frame(script.answer(call)))
    except (EOFError, OSError):
        return


async def _serve_in_loop(script: Script, lines: Sequence[socket.socket]) -> None:
    await asyncio.gather(*(_serve_line_in_loop(script, line) for line in lines))


async def _serve_line_in_loop(script: Script, line: socket.socket) -> None:
    line.setblocking(False)
    loop = asyncio.get_running_loop()
    inbox: Inbox[Call] = Inbox(Call)
    try:
        while True:
            while (found := inbox.take()) is None:
                inbox.feed(whole(await loop.sock_recv(line, PART)))
            until, call = found
            if call is None or until < monotonic():
                await loop.sock_sendall(line, RETURNED)
            else:  # a task of its own, so that what one request sets in its context is not there for the next
                await loop.sock_sendall(line, frame(await loop.create_task(script.answer_later(call))))
    except (EOFError, OSError):
        return


def _end_with_the_server() -> None:
    """Have the system end this process with the one that made it; signals are that one's business."""
    end_with(os.getppid())
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _leave_to_the_server(os.getpid()))


def _leave_to_the_server(own: int) -> Callable[[int, FrameType | None], None]:
    """Go on when a signal is sent to all of a terminal or a service: the server ends this process when it is done.

    Processes that the script forks end as usual, so that it can stop them.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != own:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    return handle


if __name__ == "__main__":
    azure.offer()
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # threads of the script must not keep the process
