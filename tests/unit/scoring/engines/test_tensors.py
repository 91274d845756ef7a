"""Rows are joined, and answers split."""

import numpy as np
import pytest

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.engines.tensors import Input, join, split
from modelyard_scoring.formats import json


def test_rows_are_joined_and_split_among_requests():
    inputs = [Input(name="x", column=Column("float32", np.dtype("float32"), nullable=False), deep=True)]
    batch = [Rows(2, ([1, 2],)), Rows(1, ([3],))]
    arrays = join(inputs, batch)
    assert arrays["x"].tolist() == [[1.0], [2.0], [3.0]]
    texts = np.array(["a", "b", "c"], dtype=object)
    answers = split({"y": arrays["x"] / np.float32(10), "t": texts, "n": np.array([1, np.nan, np.inf])}, batch)
    assert answers[0] == b'{"y":[[0.1],[0.2]],"t":["a","b"],"n":[1.0,null]}'
    assert answers[1] == b'{"y":[[0.3]],"t":["c"],"n":[null]}'


def test_an_output_without_an_item_for_each_row_cannot_be_split():
    with pytest.raises(ValueError, match=r"'y' has the shape \(2,\) for 3 rows"):
        split({"y": np.zeros(2)}, [Rows(2, ([1, 2],)), Rows(1, ([3],))])


def test_many_numbers_are_split_into_the_same_answers(monkeypatch):
    batch = [Rows(2, ([1, 2],)), Rows(1, ([3],))]
    outputs = {"y": np.arange(6.0).reshape(3, 2), "n": np.array([1, np.nan, np.inf])}
    together = split(outputs, batch)
    monkeypatch.setattr(json, "AT_ONCE", 1)
    assert (
        split(outputs, batch)
        == together
        == [b'{"y":[[0.0,1.0],[2.0,3.0]],"n":[1.0,null]}', b'{"y":[[4.0,5.0]],"n":[null]}']
    )
