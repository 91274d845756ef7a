"""Answers in parts, on real sockets."""

import asyncio
import os

import pytest

from modelyard_scoring.errors import ServerFailedError
from modelyard_scoring.http1.protocol import Connection
from modelyard_scoring.http1.routes import Route, Routes
from modelyard_scoring.http1.server import Parts, Server
from modelyard_scoring.http1.stream import AnswerHead, Stream
from modelyard_scoring.service.folder import Limits
from modelyard_scoring.settings import read_settings
from modelyard_scoring.telemetry.access_log import AccessLog
from modelyard_scoring.telemetry.log import LogWriter
from modelyard_scoring.telemetry.metrics import Metrics

GET = b"GET /parts HTTP/1.1\r\nhost: h\r\n\r\n"
WHOLE = GET.replace(b"/parts", b"/whole")
LARGE = b"x" * 100_000


class Stage:
    """A server in this process; `script` is a coroutine function that is given each request's stream."""

    def __init__(self, script, timeout):
        self.script = script
        self.timeout = timeout
        self.tasks = []
        self.streams = []

    def begin(self, exchange):
        stream = Stream(exchange, self.timeout)
        self.streams.append(stream)
        self.tasks.append(asyncio.ensure_future(self.script(stream)))

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        with open(os.devnull, "wb") as nothing:  # noqa: ASYNC230, PTH123 - opens at once
            writer = LogWriter(os.dup(nothing.fileno()))
        settings, counters = read_settings(["."], {}), Metrics(1, []).counters(0)
        parts = Parts(
            settings=settings,
            limits=Limits(timeout=self.timeout),
            keys=None,
            gate=None,
            counters=counters,
            access_log=AccessLog(settings, [], counters, writer),
        )
        self.server = Server(parts, loop)
        whole = Route(path="/whole", methods=("GET",), keyed=False, handle=lambda exchange: exchange.send(b"{}"))
        routes = [whole, Route(path="/parts", methods=("GET", "HEAD"), keyed=False, handle=self.begin)]
        self.server.routes = Routes(routes)
        self.listener = await loop.create_server(lambda: Connection(self.server), "127.0.0.1", 0)
        self.reader, self.writer = await asyncio.open_connection(*self.listener.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.writer.transport.abort()
        for connection in tuple(self.server.connections):
            connection.abort()
        await self.tick_until(lambda: not self.server.connections)

    async def tick_until(self, wanted):
        for _ in range(6000):
            self.server.tick()
            if wanted():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never came to pass")


def play(script, scene, timeout=60.0):
    async def run():
        async with Stage(script, timeout) as stage:
            return await asyncio.wait_for(scene(stage), 60)

    return asyncio.run(run())


async def two_parts(stream):
    await stream.begin(AnswerHead(status=200, lines=b"content-type: text/plain\r\n"))
    await stream.write(b"one")
    await stream.write(b"two")
    stream.end()


async def read_head(stage):
    return (await stage.reader.readuntil(b"\r\n\r\n")).decode().lower()


def test_parts_are_chunks_and_the_connection_goes_on():
    async def scene(stage):
        stage.writer.write(GET)
        assert "transfer-encoding: chunked" in await read_head(stage)
        assert await stage.reader.readexactly(21) == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        stage.writer.write(WHOLE)
        assert "content-length: 2" in await read_head(stage)

    play(two_parts, scene)


@pytest.mark.parametrize(("method", "body"), [(b"GET", b"onetwo"), (b"HEAD", b"")])
def test_an_old_client_gets_the_parts_and_the_end_of_the_connection(method, body):
    async def scene(stage):
        stage.writer.write(method + b" /parts HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        head = await read_head(stage)
        assert "chunked" not in head
        assert "connection: close" in head
        assert await stage.reader.read() == body

    play(two_parts, scene)


def test_answers_in_parts_keep_their_turn():
    async def scene(stage):
        stage.writer.write(GET + WHOLE + GET)
        for kind in ("chunked", "content-length: 2", "chunked"):
            assert kind in await read_head(stage)
            await stage.reader.readuntil(b"0\r\n\r\n" if kind == "chunked" else b"{}")

    play(two_parts, scene)


def test_a_slow_reader_holds_up_the_writer_and_gets_every_byte():
    written = 0

    async def flood(stream):
        nonlocal written
        await stream.begin(AnswerHead(status=200, length=200 * len(LARGE)))
        for _ in range(200):
            await stream.write(LARGE)
            written += 1
        stream.end()

    async def scene(stage):
        stage.reader._transport.pause_reading()
        stage.writer.write(GET)
        before = -1
        while written > before or not written:
            before = written
            await asyncio.sleep(0.1)
        assert written < 200
        stage.reader._transport.resume_reading()
        await read_head(stage)
        assert await stage.reader.readexactly(200 * len(LARGE)) == 200 * LARGE

    play(flood, scene)


def test_the_writer_learns_that_the_client_is_gone():
    async def endless(stream):
        await stream.begin(AnswerHead(status=200))
        while True:
            await stream.write(b"x")
            await asyncio.sleep(0)

    async def scene(stage):
        stage.writer.write(GET)
        await read_head(stage)
        stage.writer.transport.abort()
        (stream,) = stage.streams
        await stream.over.wait()
        with pytest.raises(ConnectionResetError):
            await stage.tasks[0]
        assert stream.lost

    play(endless, scene)


@pytest.mark.parametrize("length", [None, 100])
def test_an_answer_that_breaks_off_does_not_look_complete(length):
    async def breaks(stream):
        await stream.begin(AnswerHead(status=200, length=length))
        await stream.write(b"one")
        stream.refuse(ServerFailedError("X"))

    async def scene(stage):
        stage.writer.write(GET + WHOLE)
        await read_head(stage)
        assert await stage.reader.read() == (b"one" if length else b"3\r\none\r\n")

    play(breaks, scene)


def test_an_old_client_sees_a_reset_when_its_answer_breaks_off():
    async def breaks(stream):
        await stream.begin(AnswerHead(status=200))
        await stream.write(b"one")
        stream.refuse(ServerFailedError("X"))

    async def scene(stage):
        stage.writer.write(GET.replace(b"1.1", b"1.0"))
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await stage.reader.readexactly(1000)

    play(breaks, scene)


def test_each_part_must_come_in_time():
    cancelled = []

    async def hangs(stream):
        stream.cancel = lambda: cancelled.append(True)
        await stream.begin(AnswerHead(status=200))
        await stream.write(b"one")

    async def scene(stage):
        stage.writer.write(GET)
        await read_head(stage)
        await stage.tick_until(lambda: cancelled)
        assert await stage.reader.read() == b"3\r\none\r\n"

    play(hangs, scene, timeout=0.1)


def test_a_length_that_was_said_is_kept():
    async def liar(stream):
        await stream.begin(AnswerHead(status=200, length=3))
        with pytest.raises(ValueError, match="1 bytes longer"):
            await stream.write(b"four")
        await stream.write(b"tw")
        with pytest.raises(ValueError, match="1 bytes shorter"):
            stream.end()
        await stream.write(b"o")
        stream.end()

    async def scene(stage):
        stage.writer.write(GET)
        await read_head(stage)
        assert await stage.reader.readexactly(3) == b"two"
        await stage.tasks[0]

    play(liar, scene)


@pytest.mark.parametrize(
    ("method", "head", "body", "wanted"),
    [
        (b"GET", AnswerHead(status=200), b"ab", "content-length: 2"),
        (b"HEAD", AnswerHead(status=200, length=7), b"", "content-length: 7"),
        (b"HEAD", AnswerHead(status=200), b"ab", "content-length: 2"),
        (b"GET", AnswerHead(status=304, length=9), b"", "content-length: 9"),
        (b"GET", AnswerHead(status=204), b"", None),
        (b"GET", AnswerHead(status=200, close=True), b"ab", "connection: close"),
    ],
)
def test_an_answer_in_one_piece_is_framed_as_its_status_demands(method, head, body, wanted):
    async def once(stream):
        stream.answer(head, body)

    async def scene(stage):
        stage.writer.write(method + GET[3:])
        got = await read_head(stage)
        assert (wanted in got) if wanted else ("content-length" not in got)
        silent = method == b"HEAD" or head.status in {204, 304}
        if not silent:
            assert await stage.reader.readexactly(2) == b"ab"
        if not head.close:
            stage.writer.write(WHOLE)
            assert (await read_head(stage)).startswith("http/1.1 200 ok")

    play(once, scene)
