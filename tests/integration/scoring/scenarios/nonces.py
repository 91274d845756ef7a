"""R22: every answer is the one to its own request, under overload and with clients that do not wait."""

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tests.integration.scoring.scenarios.report import Report
from tests.integration.scoring.scenarios.traffic import Load, drive, most
from tests.integration.scoring.scenarios.wire import Answer, post

WIDTH = 4
SIGNATURE = {
    "inputs": [{"name": "x", "type": "float64", "shape": [None, WIDTH]}],
    "outputs": [{"name": "y", "type": "float64", "shape": [None, WIDTH]}],
    "form": "array",
}
SAMPLE = {"request": {"data": [[1, 2, 3, 4]]}, "answer": {"y": [[1, 2, 3, 4]]}}

SCRIPT = """
import json, time
def run(data):
    asked = json.loads(data)
    time.sleep(0.001)
    return {"y": asked["data"]}
"""


def echo(save, *, size=0, layers=0):
    """Make a model that gives its rows back; each row costs `layers` products with a square matrix of that size.

    The products only make it slow: their sum is clipped to nothing before it is added.
    """
    if not layers:
        nodes = [helper.make_node("Identity", ["x"], ["y"])]
        return save(nodes, [("x", TensorProto.DOUBLE, [None, WIDTH])], [("y", TensorProto.DOUBLE, [None, WIDTH])])
    chance = np.random.default_rng(0)
    constants = {
        "widen": chance.random((WIDTH, size), np.float32),
        "square": chance.random((size, size), np.float32) / size,
        "nothing": np.zeros((size, WIDTH), np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Tanh", ["cast"], ["small"]),
        helper.make_node("MatMul", ["small", "widen"], ["h0"]),
        *(helper.make_node("MatMul", [f"h{n}", "square"], [f"h{n + 1}"]) for n in range(layers)),
        helper.make_node("MatMul", [f"h{layers}", "nothing"], ["zero"]),
        helper.make_node("Cast", ["zero"], ["zero_wide"], to=TensorProto.DOUBLE),
        helper.make_node("Add", ["x", "zero_wide"], ["y"]),
    ]
    given = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return save(nodes, [("x", TensorProto.DOUBLE, [None, WIDTH])], [("y", TensorProto.DOUBLE, [None, WIDTH])], given)


def rows(number):
    """Give the rows of a request: its number is in each of them, and some have more than one."""
    return [[number, number * 7 % 1009, row, -number] for row in range(1 + number % 3)]


def make(number):
    return post(json.dumps({"data": rows(number)}).encode(), extra=b"x-request-id: nonce-%d\r\n" % number)


def check(number, answer: Answer):
    """Tell whether an answer is this request's: its id always, its rows where it was scored."""
    if answer.header("x-request-id") != f"nonce-{number}":
        return False
    return answer.status != 200 or json.loads(answer.body)["y"] == rows(number)


def flood(port: int, count: int, *, factor: float = 3.0, depth: int = 1, most_rate: float = 4000.0) -> Report:
    """Send `count` requests at `factor` times what the server does, of which 1 in 100 is given up soon."""
    capacity = most(port, Load(make=make, check=check, connections=32), 32, 0.5)
    rate = min(factor * capacity, most_rate)
    load = Load(make=make, check=check, connections=512 // depth, depth=depth, impatient=0.01)
    return drive(port, load, rate, count / rate)


def assert_no_answer_is_anothers(report: Report, count: int) -> None:
    """Claim it of at least `count` requests, most of which were answered and some given up."""
    report.assert_min_samples(count).assert_right()
    report.of(200).assert_min_samples(count // 20)
    report.of(-1).assert_min_samples(count // 1000)
