"""Packed answers that are cut from a batch are those that are written one by one."""

import numpy as np
import pytest

from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.engines.tensors import split
from modelyard_scoring.inference.request import Inference, Wanted
from modelyard_scoring.inference.writer import ServedAs, Writer

OUTPUTS = {
    "label": np.arange(6),
    "share": np.arange(12, dtype=np.float32).reshape(6, 2) / 8,
    "sure": np.array([True, False] * 3),
}


def writer(names, *, binary=True, name=None):
    wanted = [Wanted(name, binary) for name in names]
    return Writer(ServedAs(name="m", version="1"), Inference(id=name, tensors=[], outputs=wanted, binary=binary))


def alone(write, outputs, start, stop):
    return write({name: array[start:stop] for name, array in outputs.items()})


@pytest.mark.parametrize("names", [(), ("share",), ("sure", "label")])
@pytest.mark.parametrize("last", [OUTPUTS["sure"], np.array(list("äbcdef"), dtype=object)])
def test_each_gets_what_it_would_get_alone(names, last):
    outputs = {**OUTPUTS, "sure": last}
    write, other = writer(names), writer(names, name="mine")
    batch = [Rows(count, (), who) for count, who in ((1, write), (2, write), (2, other), (1, write))]
    for _ in range(2):
        got = split(outputs, batch)
        places = [(0, 1), (1, 3), (3, 5), (5, 6)]
        assert got == [alone(one.write, outputs, *place) for one, place in zip(batch, places, strict=True)]


def test_a_head_is_kept_only_for_outputs_of_its_kind():
    write = writer(())
    for outputs in (OUTPUTS, {**OUTPUTS, "share": OUTPUTS["share"].repeat(2, axis=1)}, {"label": OUTPUTS["share"]}):
        for count in (2, 2, 3):
            assert split(outputs, [Rows(count, (), write), Rows(6 - count, (), write)]) == [
                alone(write, outputs, 0, count),
                alone(write, outputs, count, 6),
            ]


def test_an_answer_alone_may_have_another_number_of_items():
    write = writer(())
    for length in (1, 3, 1):
        outputs = {"total": np.arange(length, dtype=np.float64)}
        assert split(outputs, [Rows(2, (), write)]) == [alone(write, outputs, 0, 2)]


def test_requests_that_ask_for_json_get_it_beside_those_that_do_not():
    packed, plain = writer(("label",)), writer(("label",), binary=False)
    answers = split(OUTPUTS, [Rows(3, (), packed), Rows(3, (), plain)])
    assert answers == [alone(packed, OUTPUTS, 0, 3), alone(plain, OUTPUTS, 3, 6)]
