"""Requests of one turn are run together, and fail apart."""

from collections import deque
from math import inf
from time import perf_counter

import pytest
from msgspec import Struct

from modelyard_scoring.errors import ModelFailedError, NotReadyError, QueueFullError, ServerFailedError
from modelyard_scoring.queues.batch import Lane, Run
from modelyard_scoring.service.folder import Limits


class Work(Struct, frozen=True):
    value: int
    count: int = 1


class Caller:
    def __init__(self, name="caller"):
        self.request_id = name
        self.wanted = True
        self.started = 0.0
        self.deadline = inf
        self.answers = []

    def answer(self, result):
        self.answers.append(result)
        self.wanted = False

    def expire(self):
        self.answer("expired")


class Doubling:
    """Gives each value twice; values below 0 make the whole run fail."""

    blocks = False

    def __init__(self, *, joins=True):
        self.joins = joins
        self.batches = []

    def run(self, works):
        self.batches.append([work.value for work in works])
        if any(work.value < 0 for work in works):
            raise SystemExit("a value below 0")
        return [b"%d" % (2 * work.value) for work in works]


class Turns:
    """The end of a turn of the loop, when told."""

    def __init__(self):
        self.calls = deque()

    def soon(self, call):
        self.calls.append(call)

    def end(self):
        while self.calls:
            self.calls.popleft()()


@pytest.fixture
def turns():
    return Turns()


def lane(engine, turns, submit=None, **limits):
    rows = []
    made = Lane(engine, Limits(**limits), soon=turns.soon, submit=submit, ran=lambda count, *_: rows.append(count))
    made.rows = rows
    return made


class Sized(Doubling):
    """Takes values of one number of digits in one run."""

    def sizes(self, work):
        return len(str(work.value))


def test_requests_of_other_sizes_run_apart_and_in_order(turns):
    engine = Sized()
    queue = lane(engine, turns)
    callers = [Caller() for _ in range(6)]
    for value, caller in zip([1, 20, 2, 300, 30, 3], callers, strict=True):
        queue.add(caller, Work(value))
    callers[2].wanted = False
    turns.end()
    assert engine.batches == [[1, 3], [20, 30], [300]]
    assert [caller.answers for caller in callers] == [[b"2"], [b"40"], [], [b"600"], [b"60"], [b"6"]]
    queue.add(caller := Caller(), Work(4))
    turns.end()
    assert caller.answers == [b"8"]


def test_a_request_of_another_size_fails_alone(turns):
    engine = Sized()
    queue = lane(engine, turns)
    callers = [Caller() for _ in range(3)]
    for value, caller in zip([1, -2, 3], callers, strict=True):
        queue.add(caller, Work(value))
    turns.end()
    assert engine.batches == [[1, 3], [-2]]
    assert [type(caller.answers[0]) for caller in callers] == [bytes, ModelFailedError, bytes]


def test_requests_of_one_turn_are_joined(turns):
    engine = Doubling()
    queue = lane(engine, turns)
    callers = [Caller() for _ in range(3)]
    for value, caller in enumerate(callers):
        queue.add(caller, Work(value))
    assert engine.batches == []
    turns.end()
    assert engine.batches == [[0, 1, 2]]
    assert [caller.answers for caller in callers] == [[b"0"], [b"2"], [b"4"]]
    assert queue.rows == [3]


def test_each_run_is_told_with_its_rows_and_times(turns):
    told = []
    queue = Lane(Doubling(), Limits(), soon=turns.soon, submit=None, ran=lambda *run: told.append(run))
    first, second = Caller(), Caller()
    first.started = perf_counter()
    queue.add(first, Work(1, 3))
    queue.add(second, Work(2, 4))
    turns.end()
    ((rows, queued, seconds),) = told
    assert rows == 7
    assert first.run is second.run
    assert queued == first.run.began - first.started >= 0
    assert seconds == first.run.seconds >= 0


def test_one_that_fails_does_not_fail_the_others(turns):
    queue = lane(Doubling(), turns)
    callers = [Caller() for _ in range(3)]
    for value, caller in zip((1, -1, 2), callers, strict=True):
        queue.add(caller, Work(value))
    turns.end()
    assert callers[0].answers == [b"2"]
    assert isinstance(callers[1].answers[0], ModelFailedError)
    assert callers[2].answers == [b"4"]


def test_batches_are_cut_at_the_row_limit_and_a_larger_request_runs_alone(turns):
    engine = Doubling()
    queue = lane(engine, turns, max_batch_rows=4)
    for value, count in enumerate((2, 2, 1, 9, 3, 1)):
        queue.add(Caller(), Work(value, count))
    turns.end()
    assert engine.batches == [[0, 1], [2], [3], [4, 5]]


@pytest.mark.parametrize(("width", "counts", "aside"), [(1, [1, 1023], 0), (1, [1025], 1), (400, [1, 1000], 1)])
def test_rows_that_take_long_or_have_long_answers_are_run_aside(turns, width, counts, aside):
    engine, runs = Doubling(), []
    engine.width = width
    queue = lane(engine, turns)
    queue.aside = lambda call, done: runs.append(done(call()))
    callers = [Caller() for _ in counts]
    for value, (caller, count) in enumerate(zip(callers, counts, strict=True)):
        queue.add(caller, Work(value, count))
    turns.end()
    assert len(runs) == aside
    assert [caller.answers for caller in callers] == [[b"%d" % (2 * value)] for value in range(len(counts))]


def test_an_engine_that_does_not_join_runs_one_at_a_time_in_order(turns):
    engine = Doubling(joins=False)
    queue = lane(engine, turns)
    for value in range(3):
        queue.add(Caller(), Work(value))
    turns.end()
    assert engine.batches == [[0], [1], [2]]


def test_requests_that_nobody_waits_for_are_not_run(turns):
    engine = Doubling()
    queue = lane(engine, turns)
    gone, here = Caller(), Caller()
    queue.add(gone, Work(1))
    queue.add(here, Work(2))
    gone.wanted = False
    turns.end()
    assert engine.batches == [[2]]
    assert (gone.answers, here.answers) == ([], [b"4"])


def test_a_full_queue_refuses(turns):
    queue = lane(Doubling(), turns, max_queue=2)
    queue.add(Caller(), Work(1))
    queue.add(Caller(), Work(2))
    with pytest.raises(QueueFullError, match="2 requests"):
        queue.add(Caller(), Work(3))
    turns.end()
    queue.add(Caller(), Work(4))


def test_while_a_run_is_in_the_thread_the_next_batch_grows(turns):
    engine = Doubling()
    runs = []
    queue = lane(engine, turns, submit=lambda call, done: runs.append((call, done)))
    queue.add(Caller(), Work(1))
    turns.end()
    for value in (2, 3, 4):
        queue.add(Caller(), Work(value))
    turns.end()
    assert len(runs) == 1
    call, done = runs[0]
    done(call())
    turns.end()
    call, done = runs[1]
    done(call())
    assert engine.batches == [[1], [2, 3, 4]]


@pytest.mark.parametrize(("joins", "batches"), [(True, [[1, 2], [3, 4]]), (False, [[1], [2], [3], [4]])])
def test_after_a_run_in_the_thread_those_who_were_answered_may_ask_again(turns, joins, batches):
    engine = Doubling(joins=joins)
    queue = lane(engine, turns, submit=lambda call, done: done((Run(0.0, 3600.0), call()[1])))

    class Asking(Caller):
        """Asks once more some turns after its answer."""

        def __init__(self, value, turns_later):
            super().__init__()
            self.value, self.turns_later = value, turns_later

        def answer(self, result):
            super().answer(result)
            turns.soon(self.ask)

        def ask(self):
            self.turns_later -= 1
            if self.turns_later:
                turns.soon(self.ask)
            else:
                queue.add(Caller(), Work(self.value))

    queue.add(Asking(3, turns_later=1), Work(1))
    queue.add(Asking(4, turns_later=5), Work(2))
    turns.end()
    assert engine.batches == batches


def test_an_engine_that_forgets_an_answer_mixes_nothing_up(turns):
    class Forgetful(Doubling):
        def run(self, works):
            return super().run(works)[: max(1, len(works) - 1)]

    queue = lane(Forgetful(), turns)
    callers = [Caller() for _ in range(3)]
    for value, caller in enumerate(callers):
        queue.add(caller, Work(value))
    turns.end()
    assert [caller.answers for caller in callers] == [[b"0"], [b"2"], [b"4"]]


def test_a_caller_that_cannot_be_answered_does_not_stop_the_queue(turns):
    class Broken(Caller):
        def answer(self, result):
            raise RuntimeError(result)

    queue = lane(Doubling(), turns)
    here = Caller()
    queue.add(Broken(), Work(1))
    queue.add(here, Work(2))
    turns.end()
    later = Caller()
    queue.add(later, Work(3))
    turns.end()
    assert (here.answers, later.answers) == ([b"4"], [b"6"])


def test_an_abandoned_queue_answers_all(turns):
    queue = lane(Doubling(), turns)
    caller = Caller()
    queue.add(caller, Work(1))
    queue.abandon(NotReadyError("restarting"))
    assert isinstance(caller.answers[0], NotReadyError)
    with pytest.raises(NotReadyError):
        queue.add(Caller(), Work(2))


def test_as_many_runs_are_under_way_as_may_be(turns):
    runs = []
    engine = Doubling(joins=False)
    queue = Lane(
        engine, Limits(), soon=turns.soon, submit=lambda *pair: runs.append(pair), ran=lambda *_: None, at_once=2
    )
    callers = [Caller() for _ in range(4)]
    for value, caller in enumerate(callers):
        queue.add(caller, Work(value))
    turns.end()
    assert len(runs) == 2
    for number in (1, 0):  # the second ends first
        call, done = runs[number]
        done(call())
        turns.end()
    assert len(runs) == 4
    for call, done in runs[2:]:
        done(call())
    turns.end()
    assert [caller.answers for caller in callers] == [[b"0"], [b"2"], [b"4"], [b"6"]]
    queue.add(Caller(), Work(9))
    queue.add(Caller(), Work(9))
    turns.end()
    assert len(runs) == 6


def test_a_queue_is_stuck_while_its_oldest_run_takes_too_long(turns):
    runs = []
    engine = Doubling(joins=False)
    queue = Lane(
        engine, Limits(), soon=turns.soon, submit=lambda *pair: runs.append(pair), ran=lambda *_: None, at_once=2
    )
    assert not queue.stuck(-1)
    queue.add(Caller(), Work(1))
    queue.add(Caller(), Work(2))
    turns.end()
    assert queue.stuck(-1)
    assert not queue.stuck(3600)
    for call, done in runs:
        done(call())
    assert not queue.stuck(-1)


def test_what_nobody_waits_for_any_more_is_dropped_before_the_model_runs(turns):
    engine = Doubling()
    made = lane(engine, turns)
    gone, late, there = Caller("gone"), Caller("late"), Caller("there")
    for value, caller in enumerate([gone, late, there]):
        made.add(caller, Work(value))
    gone.wanted = False
    late.deadline = 0.0
    turns.end()
    assert engine.batches == [[2]]
    assert (gone.answers, late.answers, there.answers) == ([], ["expired"], [b"4"])


def test_a_queue_of_nothing_but_late_requests_is_free_again(turns):
    engine = Doubling()
    made = lane(engine, turns)
    for again in range(2):
        late = Caller()
        late.deadline = 0.0
        made.add(late, Work(again))
        turns.end()
        assert late.answers == ["expired"]
    assert engine.batches == []


def test_an_answer_that_cannot_be_written_costs_its_own_request(turns):
    class Choosy(Caller):
        def answer(self, result):
            if isinstance(result, bytes):
                raise TypeError("no bytes")
            super().answer(result)

    made = lane(Doubling(), turns)
    choosy, other = Choosy(), Caller()
    made.add(choosy, Work(1))
    made.add(other, Work(2))
    turns.end()
    assert [type(one) for one in choosy.answers] == [ServerFailedError]
    assert other.answers == [b"4"]


def test_a_request_of_more_rows_than_are_joined_runs_aside_while_the_others_run_in_the_loop(turns):
    calls = []
    made = lane(Doubling(), turns, max_batch_rows=4)
    made.aside = lambda call, done: calls.append((call, done))
    small, large = Caller(), Caller()
    made.add(small, Work(1))
    turns.end()
    made.add(large, Work(2, count=5))
    turns.end()
    assert small.answers == [b"2"]
    assert large.answers == []
    ((call, done),) = calls
    done(call())
    assert large.answers == [b"4"]
