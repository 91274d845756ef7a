"""Calls lie on their way to a process one behind the other, and whatever happens none runs twice."""

import asyncio
import socket
from math import inf

import pytest

from modelyard_scoring.errors import DeadlineError, NotReadyError
from modelyard_scoring.scripts.line import Line, Post
from modelyard_scoring.scripts.messages import RETURNED, Call, Inbox, Result, frame


class Asking:
    wanted = True

    def __init__(self, name, deadline=inf):
        self.request_id = name
        self.deadline = deadline

    def expire(self):
        self.wanted = False


class Owner:
    def __init__(self):
        self.told = []

    def answered(self, returned):
        self.told.append([post.call.request_id for post in returned])

    def overdue(self, asking):
        self.told.append(f"overdue {asking.request_id}")

    def lost(self):
        self.told.append("lost")


class Trial:
    """A line, and the process at its other end."""

    def __init__(self, loop, timeout=60.0, *, ahead=True):
        own, self.other = socket.socketpair()
        self.other.setblocking(False)
        self.loop = loop
        self.owner = Owner()
        self.line = Line(own, self.owner, loop, timeout=timeout, ahead=ahead)
        self.line.open()
        self.answers = []
        self.inbox = Inbox(Call)
        self.settled = False

    def add(self, *names, body=b"", deadline=inf):
        for name in names:
            call = Call(request_id=name, method="POST", target=b"/score", headers={}, body=body)
            self.line.add(Post(call, Asking(name, deadline), self.done))

    def done(self, asking, answer, _seconds):
        self.answers.append((asking.request_id, answer if isinstance(answer, Exception) else answer.body))

    def send(self, *names, **more):
        self.add(*names, **more)
        self.line.flush()

    def received(self):
        """The calls that the process got, and until when each is to be begun."""
        self.inbox.feed(self.other.recv(1 << 16))
        found = []
        while (one := self.inbox.take()) is not None:
            found.append((one[1].request_id, one[0]))
        return found

    def reply(self, *bodies, seconds=0.0):
        for body in bodies:
            self.other.sendall(RETURNED if body is None else frame(Result(body=body, seconds=seconds)))

    def turn(self):
        """Let the loop read what is there."""

        async def soon():
            for _ in range(3):
                await asyncio.sleep(0)

        self.loop.run_until_complete(soon())

    def settle(self):
        self.settled = True
        self.other.close()
        self.error = NotReadyError("of this test")
        return [post.call.request_id for post in self.line.settle(self.error)]


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def trial(loop):
    made = Trial(loop)
    yield made
    if not made.settled:
        made.settle()


def test_answers_go_to_those_who_asked_in_order(trial):
    trial.send("a", "b", "c")
    assert [name for name, _ in trial.received()] == ["a", "b", "c"]
    trial.reply(b"1", b"2")
    trial.turn()
    assert trial.answers == [("a", b"1"), ("b", b"2")]
    trial.reply(b"3")
    trial.turn()
    assert trial.answers[2:] == [("c", b"3")]
    assert trial.owner.told == [[], []]


def count_taken(trial):
    taken = 0
    while trial.line.takes:
        trial.add(str(taken))
        taken += 1
    return taken


@pytest.mark.parametrize(("seconds", "ahead", "taken"), [(0.0, True, 16), (0.0, False, 1), (1.0, True, 1)])
def test_only_quick_runs_of_a_process_that_runs_one_at_a_time_are_sent_ahead(loop, seconds, ahead, taken):
    trial = Trial(loop, ahead=ahead)
    for _ in range(60):
        trial.send("warm")
        trial.reply(b"1", seconds=seconds)
        trial.turn()
    assert count_taken(trial) == taken
    trial.settle()


def test_one_call_at_a_time_is_sent_before_it_is_known_what_a_run_takes(trial):
    assert count_taken(trial) == 1


def test_large_calls_are_not_sent_ahead(trial):
    for _ in range(60):
        trial.send("warm")
        trial.reply(b"1")
        trial.turn()
    trial.add("large", body=bytes(70_000))
    assert not trial.line.takes


def test_a_call_that_lies_behind_another_is_to_be_begun_soon_and_before_its_deadline(trial, loop):
    now = loop.time()
    trial.send("first", deadline=now + 50)
    trial.send("behind", deadline=now + 50)
    trial.send("hurried", deadline=now - 1)
    first, behind, hurried = (until for _, until in trial.received())
    assert first == inf
    assert now < behind < now + 50
    assert hurried == now - 1


def test_calls_that_come_back_are_given_back_together_and_nothing_is_sent_meanwhile(trial):
    for _ in range(60):
        trial.send("warm")
        trial.reply(b"1")
        trial.turn()
    trial.owner.told.clear()
    trial.send("a", "b", "c")
    trial.reply(b"1", None)
    trial.turn()
    assert not trial.line.takes
    trial.reply(None)
    trial.turn()
    assert trial.line.takes
    assert trial.owner.told == [[], ["b", "c"]]
    assert trial.answers[60:] == [("a", b"1")]


def test_a_process_that_dies_takes_the_call_that_it_had_begun_along_and_gives_those_behind_back(trial):
    trial.send("a", "b", "c")
    assert trial.settle() == ["b", "c"]
    assert trial.answers == [("a", trial.error)]


def test_what_a_process_answered_before_it_died_counts(trial):
    trial.send("a", "b", "c")
    trial.reply(b"1")
    assert trial.settle() == ["c"]
    assert trial.answers == [("a", b"1"), ("b", trial.error)]


def test_an_answer_that_is_not_whole_when_the_process_dies_is_none(trial):
    trial.send("a", "b")
    trial.other.sendall(frame(Result(body=b"1"))[:-1])
    assert trial.settle() == ["b"]
    assert trial.answers == [("a", trial.error)]


def test_a_call_that_was_not_sent_whole_was_not_begun(trial):
    trial.send("large", body=bytes(10_000_000))
    trial.send("behind")
    assert trial.settle() == ["large", "behind"]
    assert trial.answers == []


def test_calls_that_came_back_before_the_process_died_are_given_back_first(trial):
    trial.send("a", "b", "c", "d")
    trial.reply(b"1", None)
    trial.turn()
    assert trial.settle() == ["b", "d"]
    assert trial.answers == [("a", b"1"), ("c", trial.error)]


def test_a_large_call_follows_as_the_process_reads(trial):
    trial.send("large", body=bytes(3_000_000))
    trial.send("behind")
    names = []
    for _ in range(1000):
        names += [name for name, _ in trial.received()]
        if len(names) == 2:
            break
        trial.turn()
    assert names == ["large", "behind"]


def test_answers_are_read_also_when_the_process_takes_no_more_calls(trial):
    trial.send("a", "b")
    trial.reply(b"1")
    trial.other.close()
    trial.send("c")
    assert trial.owner.told == ["lost"]
    assert trial.settle() == ["c"]
    assert trial.answers == [("a", b"1"), ("b", trial.error)]


def test_a_process_that_closes_its_end_is_told_once(trial):
    trial.other.close()
    trial.turn()
    trial.turn()
    assert trial.owner.told == ["lost"]


def until_told(trial):
    for _ in range(10_000):
        if trial.owner.told:
            return
        trial.turn()


def test_a_run_that_takes_too_long_is_answered_once(loop):
    trial = Trial(loop, timeout=0.01)
    trial.send("a", "b")
    until_told(trial)
    assert trial.owner.told == ["overdue a"]
    ((name, error),) = trial.answers
    assert (name, type(error)) == ("a", DeadlineError)
    trial.reply(b"1")
    trial.turn()
    assert trial.settle() == []
    assert trial.answers[1:] == [("b", trial.error)]


def test_calls_behind_a_run_that_takes_too_long_are_given_back_when_the_process_is_killed(loop):
    trial = Trial(loop, timeout=0.01)
    trial.send("a", "b", "c")
    until_told(trial)
    assert trial.settle() == ["b", "c"]
    assert [name for name, _ in trial.answers] == ["a"]


def test_the_time_of_a_run_counts_from_the_end_of_the_one_before(loop):
    trial = Trial(loop, timeout=0.3)
    trial.send("a", "b")
    loop.run_until_complete(asyncio.sleep(0.2))
    trial.reply(b"1")
    loop.run_until_complete(asyncio.sleep(0.2))
    assert trial.owner.told == [[]]
    until_told_of_b = loop.time() + 10
    while len(trial.owner.told) < 2 and loop.time() < until_told_of_b:
        trial.turn()
    assert trial.owner.told == [[], "overdue b"]
    trial.settle()
