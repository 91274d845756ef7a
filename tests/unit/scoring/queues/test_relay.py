"""Requests that an engine has run elsewhere."""

from time import perf_counter

import pytest

from modelyard_scoring.errors import ModelFailedError, NotReadyError, QueueFullError, ServerFailedError
from modelyard_scoring.queues.relay import Relay


class Caller:
    request_id = "caller"
    run = None

    def __init__(self):
        self.wanted = True
        self.started = perf_counter()
        self.answers = []

    def answer(self, result):
        self.answers.append(result)
        self.wanted = False


class Engine:
    """Has requests run when the test says so."""

    def __init__(self):
        self.posted = []
        self.refused = None

    @property
    def waiting(self):
        return len(self.posted)

    def post(self, work, asking, done):
        self.posted.append((work, asking, done))

    def refuse(self, error):
        self.refused = error

    def end(self, answer, seconds):
        _, asking, done = self.posted.pop(0)
        done(asking, answer, seconds)


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def ran():
    return []


@pytest.fixture
def relay(engine, ran):
    return Relay(engine, 2, lambda *run: ran.append(run))


def test_an_answer_goes_to_its_caller_and_its_run_is_told(relay, engine, ran):
    caller = Caller()
    relay.add(caller, "work")
    engine.end(b"answer", 0.25)
    assert caller.answers == [b"answer"]
    assert caller.run.seconds == 0.25
    ((rows, queued, seconds),) = ran
    assert (rows, queued, seconds) == (1, 0.0, 0.25)


def test_a_run_counts_also_when_its_client_is_gone(relay, engine, ran):
    caller = Caller()
    relay.add(caller, "work")
    caller.wanted = False
    engine.end(b"answer", 0.25)
    assert caller.answers == []
    assert len(ran) == 1


def test_an_error_without_a_run_counts_as_none(relay, engine, ran):
    caller = Caller()
    relay.add(caller, "work")
    engine.end(NotReadyError("restarting"), None)
    assert [type(answer) for answer in caller.answers] == [NotReadyError]
    assert (caller.run, ran) == (None, [])


def test_a_full_queue_refuses(relay):
    relay.add(Caller(), "work")
    relay.add(Caller(), "work")
    with pytest.raises(QueueFullError):
        relay.add(Caller(), "work")


def test_an_answer_that_cannot_be_given_is_an_error_of_the_server(relay, engine):
    class Broken(Caller):
        def answer(self, result):
            if not isinstance(result, ServerFailedError):
                raise OSError
            super().answer(result)

    caller = Broken()
    relay.add(caller, "work")
    engine.end(b"answer", 0.0)
    assert [type(answer) for answer in caller.answers] == [ServerFailedError]


def test_an_abandoned_queue_refuses_all_that_come(relay, engine):
    error = ModelFailedError("of this test")
    relay.abandon(error)
    assert engine.refused is error
    with pytest.raises(ModelFailedError):
        relay.add(Caller(), "work")
    assert engine.posted == []
