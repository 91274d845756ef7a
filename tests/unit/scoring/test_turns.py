"""Large bodies are read a little in each turn, one after the other."""

from collections import deque

import pytest

from modelyard_scoring.errors import FormError, QueueFullError, ServerFailedError
from modelyard_scoring.turns import Job, Turns


class Client:
    request_id = "r"

    def __init__(self):
        self.wanted = True
        self.answers = []

    def answer(self, result):
        self.answers.append(result)
        self.wanted = False


class Loop:
    """Turns one by one; what is asked for within a turn is done in the next."""

    def __init__(self):
        self.calls = deque()

    def soon(self, call):
        self.calls.append(call)

    def turn(self):
        for call in [self.calls.popleft() for _ in range(len(self.calls))]:
            call()

    def run(self):
        for count in range(100):
            if not self.calls:
                return count
            self.turn()
        raise AssertionError("it never ends")


def steps(count, seen, name, error=None):
    for number in range(count):
        seen.append((name, number))
        yield
    if error is not None:
        raise error
    return name


@pytest.fixture
def loop():
    return Loop()


def add(turns, client, work, done=lambda client, result: client.answer(result)):
    turns.add(Job(client, work, done))


def test_a_turn_is_one_step_however_many_wait(loop):
    turns, seen, clients = Turns(loop.soon, 10), [], [Client(), Client()]
    add(turns, clients[0], steps(3, seen, "a"))
    add(turns, clients[1], steps(2, seen, "b"))
    lengths = []
    while loop.calls:
        loop.turn()
        lengths.append(len(seen))
    assert lengths == [1, 2, 3, 3, 4, 5, 5]
    assert [client.answers for client in clients] == [["a"], ["b"]]


@pytest.mark.parametrize(("error", "answer"), [(FormError("a", "b"), FormError), (KeyError(), ServerFailedError)])
def test_what_goes_wrong_is_answered_and_the_next_goes_on(loop, error, answer):
    turns, clients = Turns(loop.soon, 10), [Client(), Client()]
    add(turns, clients[0], steps(2, [], "a", error))
    add(turns, clients[1], steps(1, [], "b"))
    loop.run()
    assert isinstance(clients[0].answers[0], answer)
    assert clients[1].answers == ["b"]


def test_an_error_at_the_end_is_the_answer(loop):
    def full(client, result):
        raise QueueFullError(3)

    turns, client = Turns(loop.soon, 10), Client()
    add(turns, client, steps(1, [], "a"), full)
    loop.run()
    assert isinstance(client.answers[0], QueueFullError)


def test_a_client_that_is_gone_is_read_no_further(loop):
    turns, seen, client = Turns(loop.soon, 10), [], Client()
    add(turns, client, steps(50, seen, "a"))
    loop.turn()
    client.wanted = False
    loop.run()
    assert (seen, client.answers) == ([("a", 0)], [])


def test_no_more_wait_than_may(loop):
    turns = Turns(loop.soon, 1)
    add(turns, Client(), steps(1, [], "a"))
    with pytest.raises(QueueFullError):
        add(turns, Client(), steps(1, [], "b"))
    loop.run()
    add(turns, Client(), steps(1, [], "c"))
