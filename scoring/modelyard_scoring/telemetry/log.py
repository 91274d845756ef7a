"""The log: one JSON object a line, so that nothing a client sends can forge a line.

Lines are written to standard error by a thread of their own. When the reader of the log is slower than its
writer, lines are dropped and counted; serving does not wait.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import select
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

_MAX_LINES = 50_000
_GATHER = 0.03  # seconds in which lines gather, so that the writing thread rarely interrupts the loop


class LogWriter:
    """Writes lines to a file descriptor from a thread.

    Attributes
    ----------
    dropped
        How many lines were not written, as too many were waiting.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque()
        self.dropped = 0
        self._untold = 0
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        threading.Thread(target=self._work, name="log", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Queue a line, which ends with a line feed."""
        if len(self._lines) >= _MAX_LINES:
            self.dropped += 1
            self._untold += 1
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._idle.clear()
            self._wake.set()

    def flush(self, timeout: float = 1.0) -> None:
        """Wait until all lines are written, at most `timeout` seconds."""
        self._idle.wait(timeout)

    def _work(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(_GATHER)
            self._wake.clear()
            while self._lines:
                chunk = [self._lines.popleft() for _ in range(min(len(self._lines), 500))]
                if self._untold:
                    count, self._untold = self._untold, 0
                    chunk.append(line("warning", f"{count} lines of the log were dropped"))
                self._write(b"".join(chunk))
            if not self._wake.is_set():
                self._idle.set()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:  # nobody reads any more
            return


class DirectWriter:
    """Writes lines at once, but drops and counts those that nobody takes: the master, which has few, never waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._dropped = 0

    def write(self, data: bytes) -> None:
        """Write a line, if what holds the log has room for it."""
        if self._dropped and self._taken(line("warning", f"{self._dropped} lines of the log were dropped")):
            self._dropped = 0
        if not self._taken(data):
            self._dropped += 1

    def _taken(self, data: bytes) -> bool:
        ready = select.poll()
        ready.register(self._descriptor, select.POLLOUT)
        view = memoryview(data)
        while view:
            if not ready.poll(0):
                return False
            view = view[os.write(self._descriptor, view[: select.PIPE_BUF]) :]  # so much at least is free
        return True


class JsonHandler(logging.Handler):
    """Writes log records as JSON lines, at once or through a `LogWriter`."""

    writer: LogWriter | None = None
    request_id: Callable[[], str] | None = None
    """Tells which request a record belongs to; empty for none."""

    def __init__(self) -> None:
        super().__init__()
        self._direct = DirectWriter(sys.stderr.fileno())

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        facts: dict[str, Any] = {"logger": record.name, "pid": record.process}
        if (named := getattr(record, "request_id", None)) is not None:
            facts["request_id"] = named
        elif self.request_id is not None and (request_id := self.request_id()):
            facts["request_id"] = request_id
        if (told := getattr(record, "traceback", None)) is not None:
            facts["traceback"] = told
        elif record.exc_info and record.exc_info[0] is not None:
            facts["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        try:
            data = line(record.levelname.lower(), record.getMessage(), **facts)
            if self.writer is None:
                self._direct.write(data)
            else:
                self.writer.write(data)
        except Exception:  # noqa: BLE001 - what cannot be logged must not end what is served
            self.handleError(record)


def line(level: str, text: str, **facts: Any) -> bytes:
    """Make a line of the log."""
    whole = {"time": dt.datetime.now(dt.UTC), "level": level, "text": text, **facts}
    return orjson.dumps(whole, default=repr, option=orjson.OPT_APPEND_NEWLINE)


def log_to_stderr(level: str) -> JsonHandler:
    """Send all log records of this process to standard error as JSON lines."""
    handler = JsonHandler()
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    return handler
