import threading

import pytest

from modelyard.data.streams import STREAMS, batches, in_streams


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(in_streams(lambda n: n * n, range(100))) == [n * n for n in range(100)]


def test_several_are_at_work_and_few_are_waiting() -> None:
    taken = []
    together = threading.Barrier(STREAMS)

    def source():
        for n in range(10 * STREAMS):
            taken.append(n)
            yield n

    results = in_streams(lambda _: together.wait(30) >= 0, source())
    assert next(results)
    assert len(taken) <= 2 * STREAMS + 1
    assert all(results)


def test_a_failure_leaves_out_what_has_not_begun() -> None:
    done = []

    def work(n: int) -> None:
        if n == 3:
            raise ValueError(n)
        done.append(n)

    with pytest.raises(ValueError, match="3"):
        list(in_streams(work, range(1000)))
    assert len(done) < 100


def test_batches_are_bounded_by_number_and_by_size() -> None:
    assert list(batches([1, 1, 1, 9, 1], 2, int, 5)) == [(1, 1), (1, 9), (1,)]
    assert list(batches([], 2, int, 5)) == []
