"""The answers of a run reach those who still wait, in the order of each connection."""

from math import inf

import pytest

from modelyard_scoring.answers import Reply, Writer
from modelyard_scoring.errors import ModelFailedError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.queues.batch import Run
from modelyard_scoring.queues.delivery import Delivery

RUN = Run(1.0, 0.5)


class Server:
    """Records what is recorded; the shipped one needs a loop, keys and a log."""

    def __init__(self):
        self.writer = Writer()
        self.together = []
        self.alone = []

    def record_usual(self, exchanges):
        self.together.append([exchange.request_id for exchange in exchanges])

    def record(self, exchange, status, reason):
        self.alone.append((exchange.request_id, status, reason))


class Connection:
    def __init__(self, server):
        self.server = server
        self.written = []
        self.pending = []

    def write_replies(self):
        while self.pending and self.pending[0].reply is not None:
            self.written.append(self.pending.pop(0).reply)


class Call:
    """A caller that is no exchange, as one over gRPC."""

    request_id, wanted, started, deadline, run = "call", True, 0.0, inf, None

    def answer(self, result):
        self.result = result
        self.wanted = False


@pytest.fixture
def connection():
    return Connection(Server())


def usual(connection, name, **facts):
    made = Exchange(connection)
    made.request_id, made.usual, made.keep_alive = name, True, True
    for fact, value in facts.items():
        setattr(made, fact, value)
    connection.pending.append(made)
    return made


def deliver(connection, callers, results):
    Delivery(connection.server)(callers, results, RUN)


def test_usual_requests_are_written_in_order_and_recorded_together(connection):
    first, second = usual(connection, "a"), usual(connection, "b")
    deliver(connection, [second, first], [b"2", b"1"])
    assert [reply.rpartition(b"\r\n\r\n")[2] for reply in connection.written] == [b"1", b"2"]
    assert connection.server.together == [["b", "a"]]
    assert first.run is second.run is RUN
    assert [first.wanted, second.wanted] == [False, False]


def test_what_is_written_together_is_what_is_written_alone(connection):
    together, alone = usual(connection, "same"), usual(connection, "same")
    deliver(connection, [together], [b"{}"])
    alone.answer(b"{}")
    assert sorted(together.reply.split(b"\r\n")) == sorted(alone.reply.split(b"\r\n"))


@pytest.mark.parametrize("result", [ModelFailedError("ValueError"), Reply(body=b"x", kind=b"text/csv")])
def test_other_answers_are_given_one_by_one(connection, result):
    exchange = usual(connection, "a")
    deliver(connection, [exchange], [result])
    assert len(connection.written) == len(connection.server.alone) == 1
    assert connection.server.together == []


@pytest.mark.parametrize("facts", [{"keep_alive": False}, {"usual": False}])
def test_a_request_with_something_of_its_own_is_answered_by_itself(connection, facts):
    deliver(connection, [usual(connection, "a", **facts)], [b"{}"])
    assert connection.server.alone == [("a", 200, None)]


def test_who_is_gone_gets_nothing(connection):
    gone, there = usual(connection, "gone", wanted=False), Call()
    deliver(connection, [gone, there], [b"1", b"2"])
    assert gone.reply is None
    assert connection.server.together == connection.server.alone == []
    assert there.result == b"2"


def test_one_that_cannot_be_answered_does_not_stop_the_others(connection):
    class Broken(Call):
        def answer(self, _result):
            raise OSError("gone")

    exchange = usual(connection, "a")
    deliver(connection, [Broken(), exchange], [b"1", b"2"])
    assert exchange.reply.endswith(b"2")
