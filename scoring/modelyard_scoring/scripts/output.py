"""What a script prints and logs: lines of the server's log that carry the id of the request."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from modelyard_scoring.telemetry import log

_MAX_LINE = 16_384
_id: ContextVar[str] = ContextVar("request id", default="")


class Output:
    """Takes the place of standard output and error, and tells log records whose they are."""

    def __init__(self, writer: log.LogWriter, handler: log.JsonHandler) -> None:
        self._writer = writer
        self._running: set[str] = set()
        self._streams = [_Stream(self, name) for name in ("stdout", "stderr")]
        handler.writer = writer
        handler.request_id = self.request_id
        sys.stdout, sys.stderr = self._streams

    @contextmanager
    def of(self, request_id: str) -> Iterator[None]:
        """Take what is printed meanwhile as printed for a request."""
        token = _id.set(request_id)
        self._running.add(request_id)
        try:
            yield
        finally:
            self.finish()
            self._running.discard(request_id)
            _id.reset(token)

    def request_id(self) -> str:
        """Give the request that is running here; in threads that the script made, the only one that is running."""
        here = _id.get()
        if not here and len(self._running) == 1:
            return next(iter(self._running), "")
        return here

    def write(self, name: str, text: str) -> None:
        """Write a line that was printed to a stream."""
        facts = {"stream": name}
        if (request_id := self.request_id()) != "":
            facts["request_id"] = request_id
        self._writer.write(log.line("info", text, **facts))

    def finish(self) -> None:
        """Write the lines that have no end yet."""
        for stream in self._streams:
            if stream.unfinished:
                stream.flush()

    def flush(self) -> None:
        """Wait until all is written."""
        self.finish()
        self._writer.flush()


class _Stream(io.TextIOBase):
    """A text stream whose lines go to the log; each thread and request has its own unfinished line."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self.unfinished: dict[tuple[int, str], str] = {}
        self._number = {"stdout": 1, "stderr": 2}[name]
        self.name = name
        self.buffer = _Bytes(self)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def write(self, text: str) -> int:
        key = (threading.get_ident(), _id.get())
        whole = self.unfinished.pop(key, "") + text
        *lines, rest = whole.split("\n")
        for line in lines:
            self._line(line)
        if len(rest) > _MAX_LINE:
            self._line(rest)
        elif rest:
            self.unfinished[key] = rest
        return len(text)

    def flush(self) -> None:
        """Write the unfinished line of this thread and request."""
        rest = self.unfinished.pop((threading.get_ident(), _id.get()), "")
        if rest:
            self._line(rest)

    def _line(self, text: str) -> None:
        printable = text.rstrip("\r").encode("utf-8", "backslashreplace").decode()
        for start in range(0, max(len(printable), 1), _MAX_LINE):
            self._output.write(self.name, printable[start : start + _MAX_LINE])


class _Bytes(io.RawIOBase):
    """The bytes under a text stream, for scripts that write to ``sys.stdout.buffer``."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._stream.write(bytes(data).decode("utf-8", "backslashreplace"))
