"""pyarrow is imported in a thread, and those that need it wait for it, and nobody else."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from modelyard_scoring.endpoints.late import LateArrow
from modelyard_scoring.errors import QueueFullError
from modelyard_scoring.formats import arrow

ARROW = {b"content-type": b"application/vnd.Apache.arrow.stream"}


def exchange(handled, headers=ARROW, *, wanted=True):
    server = SimpleNamespace(handle=handled.append)
    return SimpleNamespace(headers=headers, wanted=wanted, connection=SimpleNamespace(server=server))


async def late_enough(happened):
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0.001)


def test_those_that_need_it_wait_while_a_thread_imports_it(monkeypatch):
    threads, handled, go_on = [], [], threading.Event()

    def prepare():
        threads.append(threading.current_thread())
        go_on.wait(10)

    async def run():
        late = LateArrow(4)
        answer = exchange(handled, {b"accept": b"application/vnd.apache.arrow.file"})
        first, gone = exchange(handled), exchange(handled, wanted=False)
        assert [late.holds(one) for one in (first, answer, gone)] == [True] * 3
        assert not late.holds(exchange(handled, {b"content-type": b"text/csv"}))
        assert handled == []
        go_on.set()
        await late_enough(lambda: len(handled) == 2)
        assert handled == [first, answer]
        assert not late.holds(exchange(handled))

    monkeypatch.setattr(arrow, "prepare", prepare)
    asyncio.run(asyncio.wait_for(run(), 10))
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_no_more_wait_than_may(monkeypatch):
    async def run():
        late = LateArrow(1)
        handled = []
        late.holds(exchange(handled))
        with pytest.raises(QueueFullError):
            late.holds(exchange(handled))
        await late_enough(lambda: handled)

    monkeypatch.setattr(arrow, "prepare", lambda: None)
    asyncio.run(run())
