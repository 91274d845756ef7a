"""Requests are joined only where that changes no answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from onnx import TensorProto, helper


@pytest.mark.parametrize(("reduce", "factor"), [("ReduceSum", 0.5), ("ReduceMean", 1.0), ("ReduceMax", 1.0)])
def test_a_model_whose_rows_influence_each_other_is_not_joined(folders, start, reduce, factor):
    nodes = [helper.make_node(reduce, ["x"], ["s"], keepdims=0), helper.make_node("Div", ["x", "s"], ["y"])]
    content = folders.save(nodes, [("x", TensorProto.DOUBLE, [None])], [("y", TensorProto.DOUBLE, [None])])
    signature = {"inputs": [folders.field("x", "float64", [None])], "outputs": [folders.field("y", "float64", [None])]}
    sample = {"request": [2, 2], "answer": {"y": [factor, factor]}}
    server = start(folders.write({"share": (content, signature, sample)}), "--run-in", "thread").wait()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(server.score, [[n, n] for n in range(1, 200)]))
    assert answers == [(200, {"y": [factor, factor]})] * 199
    assert "run one by one" in server.log


def batches_and_rows(server):
    counts = server.metrics()
    return counts.scoring("batch_rows_count"), counts.scoring("rows_total")


@pytest.mark.parametrize("sample", [True, False])
def test_pipelined_requests_are_joined_if_there_is_a_sample_to_try_it_on(folders, start, responses, sample):
    content, signature, recorded = folders.double
    server = start(folders.write({"double": (content, signature, recorded if sample else None)})).wait()
    request = b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 13\r\n\r\n[[1, 2, 3,4]]"
    assert [status for status, _, _ in responses(server.raw(request * 200, shut=True))] == [200] * 200
    batches, rows = batches_and_rows(server)
    assert rows == 200
    assert (batches < 100) == sample
