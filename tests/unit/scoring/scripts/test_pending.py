"""What waits for a script's process: who is gone is dropped, and nobody waits for ever."""

import asyncio
from math import inf

import pytest

from modelyard_scoring.errors import NotReadyError
from modelyard_scoring.scripts import pending as module
from modelyard_scoring.scripts.line import Post
from modelyard_scoring.scripts.messages import Call
from modelyard_scoring.scripts.pending import Pending


class Asking:
    def __init__(self, name, deadline=inf):
        self.request_id = name
        self.wanted = True
        self.deadline = deadline
        self.expired = False

    def expire(self):
        self.expired = True


class Process:
    """Takes as many calls as it has room for, on one line."""

    def __init__(self, room):
        self.room = room
        self.sent = []
        self.flushed = []

    @property
    def takes(self):
        return len(self.sent) < self.room

    @property
    def ahead(self):
        return max(0, len(self.sent) - 1)

    def free_line(self):
        return self if self.takes else None

    def add(self, post):
        self.sent.append(post.call.request_id)

    def flush(self):
        self.flushed.append(list(self.sent))


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def queue(loop):
    return Pending(loop)


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(module, "monotonic", lambda: Clock.now)
    return Clock


def call(name):
    return Call(request_id=name, method="POST", target=b"/score", headers={}, body=b"")


def add(queue, *names):
    answers = []
    askers = [Asking(name) for name in names]
    for asking in askers:
        queue.add(call(asking.request_id), asking, lambda *told: answers.append(told))
    return askers, answers


def turn(loop):
    loop.run_until_complete(asyncio.sleep(0))


def test_what_comes_in_one_turn_is_sent_together(queue, loop):
    process = Process(room=3)
    queue.use(process)
    add(queue, "a", "b", "c", "d")
    assert process.sent == []
    turn(loop)
    assert process.flushed == [["a", "b", "c"]]
    assert queue.waiting == 3


def test_whoever_is_gone_or_late_is_dropped_and_told_only_if_late(queue, loop, clock):
    process = Process(room=9)
    queue.use(process)
    (gone, late, _), answers = add(queue, "gone", "late", "here")
    gone.wanted = False
    late.deadline = clock.now
    turn(loop)
    assert process.sent == ["here"]
    assert (gone.expired, late.expired, answers) == (False, True, [])


def test_calls_that_were_not_begun_go_first_and_only_if_they_are_still_wanted(queue, loop):
    add(queue, "new")
    askers = [Asking(name) for name in ("a", "b", "c")]
    queue.put_back([Post(call(asking.request_id), asking, None) for asking in askers])
    askers[1].wanted = False
    process = Process(room=9)
    queue.use(process)
    assert process.sent == ["a", "c", "new"]


def test_without_a_process_calls_wait_for_the_next_one(queue, loop):
    process = Process(room=1)
    queue.use(process)
    queue.lose(process)
    add(queue, "a")
    turn(loop)
    assert process.sent == []
    assert queue.waiting == 1
    other = Process(room=1)
    queue.use(other)
    assert other.sent == ["a"]


def test_a_process_that_is_lost_after_another_is_used_changes_nothing(queue, loop):
    old, new = Process(room=1), Process(room=1)
    queue.use(old)
    queue.use(new)
    queue.lose(old)
    add(queue, "a")
    turn(loop)
    assert new.sent == ["a"]
    assert queue.able()


def test_calls_wait_for_a_process_no_longer_than_patience_lasts(queue, loop, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    process = Process(room=1)
    queue.use(process)
    queue.lose(process)
    (_, gone), answers = add(queue, "a", "gone")
    gone.wanted = False
    loop.run_until_complete(asyncio.sleep(0.01))
    ((asking, error, seconds),) = answers
    assert (asking.request_id, type(error), seconds) == ("a", NotReadyError, None)
    with pytest.raises(NotReadyError):
        add(queue, "b")
    queue.use(Process(room=1))
    add(queue, "c")


def test_patience_ends_with_the_next_process(queue, loop, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    process = Process(room=1)
    queue.use(process)
    queue.lose(process)
    queue.use(Process(room=0))
    _, answers = add(queue, "a")
    loop.run_until_complete(asyncio.sleep(0.01))
    assert answers == []


def test_it_is_not_able_once_there_was_no_process_for_longer_than_a_moment(queue, clock):
    process = Process(room=1)
    assert queue.able()
    queue.use(process)
    queue.lose(process)
    clock.now += 0.9
    assert queue.able()
    clock.now += 0.2
    assert not queue.able()
    queue.use(process)
    assert queue.able()
