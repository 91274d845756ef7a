"""A model answers its sample before it serves, and is joined only where that is safe."""

import json

import numpy as np
import pytest

from modelyard_scoring.decoding.rows import Rows, other_row
from modelyard_scoring.queues.lanes import runs_in_thread
from modelyard_scoring.queues.startup import Loaded, _joins_safely


class Model:
    """Gives `answer` of all values of a batch for each of its values."""

    joins = True
    blocks = False

    def __init__(self, answer):
        self.answer = answer

    def run(self, works):
        values = [value for rows in works for value in rows.parts[0]]
        results = iter(self.answer(values))
        return [json.dumps({"y": [next(results) for _ in rows.parts[0]]}).encode() for rows in works]


@pytest.mark.parametrize(
    ("answer", "safe"),
    [
        (lambda values: [2 * value for value in values], True),
        (lambda values: [value - sum(values) / len(values) for value in values], False),
        (lambda values: [value / max(map(abs, values)) for value in values], False),
        (lambda values: [len(values)] * len(values), False),
        (lambda values: values[:1] * len(values), False),
        (lambda values: values[:0], False),
    ],
    ids=["double", "less the mean", "over the largest", "count", "the first", "none"],
)
def test_models_whose_rows_influence_each_other_are_found_out(answer, safe):
    assert _joins_safely(Model(answer), Rows(2, ([4.0, 4.0],))) == safe
    assert _joins_safely(Model(answer), Rows(1, ([4.0],))) == safe


def test_another_row_has_other_numbers_of_the_same_types():
    rows = Rows(2, ([[1, 0.0], [5, 5.0]], ["a", "b"], [True, False], [None, 3], [-128, 1]))
    assert other_row(rows) == Rows(1, ([[0, 1.0]], ["a"], [True], [None], [-127]))


def test_another_row_of_arrays_is_one_of_arrays():
    ids, pixels = other_row(Rows(2, (np.array([[1, 0], [5, 5]]), np.array([0.5, 1], np.float32)))).parts
    assert (ids.tolist(), ids.dtype.name) == ([[0, 1]], "int64")
    assert (pixels.tolist(), pixels.dtype.name) == ([-0.5], "float32")


@pytest.mark.parametrize(
    ("seconds", "blocks", "run_in", "thread"),
    [
        (0.00001, False, "auto", False),
        (0.5, False, "auto", True),
        (None, False, "auto", True),
        (0.00001, True, "auto", True),
        (0.00001, False, "thread", True),
        (0.5, False, "loop", False),
        (0.00001, True, "loop", True),
    ],
)
def test_what_takes_long_or_blocks_runs_in_a_thread(seconds, blocks, run_in, thread):
    engine = Model(list)
    engine.blocks = blocks
    assert runs_in_thread(run_in, Loaded(model=None, engine=engine, seconds=seconds)) == thread
