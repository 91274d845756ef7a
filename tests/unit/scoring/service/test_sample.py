"""Answers are compared with what was recorded."""

import pytest

from modelyard_scoring.service.sample import find_difference


@pytest.mark.parametrize(
    ("wanted", "got", "where"),
    [
        ({"p": [0.5]}, {"p": [0.50004]}, None),
        ({"p": [0.5]}, {"p": [0.5006]}, "p[0]"),
        ({"p": [1e-9]}, {"p": [2e-9]}, None),
        ({"p": [1]}, {"p": [1.0]}, None),
        ({"p": [1]}, {"p": [2]}, "p[0]"),
        ({"p": ["a"]}, {"p": ["b"]}, "p[0]"),
        ({"p": [True]}, {"p": [1]}, "p[0]"),
        ({"p": [None]}, {"p": [None]}, None),
        ({"p": [None]}, {"p": [0.0]}, "p[0]"),
        ({"p": [1, 2]}, {"p": [1]}, "p"),
        ({"p": 1}, {"q": 1}, "the answer"),
        ({"p": [{"a": 1}]}, {"p": [{"a": 2}]}, "p[0].a"),
        ([1, 2], [1, 3], "the answer[1]"),
    ],
)
def test_answers_are_compared_as_recorded(wanted, got, where):
    difference = find_difference(wanted, got)
    assert (None if difference is None else difference.where) == where


def test_a_stated_tolerance_holds_for_its_output_only():
    tolerance = {"p": 0.1}
    assert find_difference({"p": [1.0]}, {"p": [1.09]}, tolerance) is None
    assert find_difference({"q": [1.0]}, {"q": [1.09]}, tolerance) is not None
