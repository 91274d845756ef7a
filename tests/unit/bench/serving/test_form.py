"""How contenders are asked, and which of their answers are taken."""

import json

import numpy as np
import pytest
from tests.bench.serving.form import DATA, MLFLOW, PROTOCOL, WrongAnswerError, binary, compare

ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)
RIGHT = {"label": np.array([1, 2]), "probabilities": np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)}
PLAIN = {name: array.tolist() for name, array in RIGHT.items()}
TENSORS = [
    {"name": "label", "datatype": "INT64", "shape": [2, 1], "data": [1, 2]},
    {"name": "probabilities", "datatype": "FP32", "shape": [2, 2], "data": [0.25, 0.75, 0.5, 0.5]},
]


@pytest.mark.parametrize(
    ("form", "document"), [(DATA, PLAIN), (MLFLOW, {"predictions": PLAIN}), (PROTOCOL, {"outputs": TENSORS})]
)
def test_a_right_answer_is_taken_in_every_form(form, document) -> None:
    compare(json.dumps(document).encode(), form, RIGHT, "one")


@pytest.mark.parametrize(
    "document",
    [
        {**PLAIN, "label": [1, 3]},
        {**PLAIN, "label": [1]},
        {**PLAIN, "probabilities": [[0.25, 0.75]]},
        {**PLAIN, "probabilities": [[0.25, 0.75], [0.5, 0.501]]},
        {**PLAIN, "probabilities": [[0.25, 0.75], [0.5, None]]},
        {"label": [1, 2]},
        {"code": "failed"},
        [],
    ],
)
def test_a_wrong_answer_puts_its_server_out(document) -> None:
    with pytest.raises(WrongAnswerError, match="one answered"):
        compare(json.dumps(document).encode(), DATA, RIGHT, "one")


def test_an_answer_that_is_no_json_puts_its_server_out() -> None:
    with pytest.raises(WrongAnswerError, match="cannot be read"):
        compare(b"<html>", DATA, RIGHT, "one")


def test_a_binary_request_says_where_its_tensor_begins() -> None:
    rows = np.zeros((100, 3), np.float32)
    request = binary("digits", 3, ("label",)).request(rows, {})

    head, _, body = request.partition(b"\r\n\r\n")
    lines = dict(line.split(": ") for line in head.decode().split("\r\n")[1:])
    size = int(lines["Inference-Header-Content-Length"])
    assert json.loads(body[:size])["inputs"][0]["shape"] == [100, 3]
    assert body[size:] == rows.tobytes()


def test_a_binary_answer_is_read_tensor_by_tensor() -> None:
    parts = {"label": RIGHT["label"].astype(np.int64), "probabilities": RIGHT["probabilities"]}
    kinds = {"label": "INT64", "probabilities": "FP32"}
    outputs = [
        {
            "name": name,
            "datatype": kinds[name],
            "shape": array.shape,
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, array in parts.items()
    ]
    body = json.dumps({"outputs": outputs}).encode() + b"".join(array.tobytes() for array in parts.values())

    compare(body, binary("digits", 3, tuple(parts)), RIGHT, "one")
