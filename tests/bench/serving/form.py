"""The forms in which contenders are asked and answer; every answer is read back into arrays to be compared."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct, field
from tests.bench.serving.material import Answers, Rows

_TOLERANCE = 1e-4
_TYPES = {"INT64": np.int64, "FP32": np.float32}


class WrongAnswerError(Exception):
    """A contender has answered wrongly, and is out."""


class Form(Struct, frozen=True, kw_only=True):
    """How rows are written into a request, and outputs read from an answer."""

    path: str
    write: Callable[[Rows], bytes]
    read: Callable[[bytes], Answers]
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def request(self, rows: Rows, headers: Mapping[str, str]) -> bytes:
        """Give a whole request, as it goes over the wire."""
        body = self.write(rows)
        lines = {"Host": "127.0.0.1", **self.headers, **headers, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def compare(body: bytes, form: Form, right: Answers, who: str) -> None:
    """Compare an answer with the right one.

    Raises
    ------
    WrongAnswerError
        If it has another shape or other numbers, or cannot be read.
    """
    try:
        found = form.read(body)
        same = all(
            np.shape(found[name]) == wanted.shape and np.allclose(found[name], wanted, rtol=_TOLERANCE, atol=1e-5)
            for name, wanted in right.items()
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise WrongAnswerError(f"{who} answered what cannot be read ({error!r}): {body[:300]!r}") from error
    if not same:
        raise WrongAnswerError(f"{who} answered wrongly: {body[:300]!r}")


def _arrays(document: Mapping[str, Any]) -> Answers:
    return {name: np.asarray(values) for name, values in document.items()}


def _v2_body(rows: Rows) -> bytes:
    tensor = {"name": "input", "shape": rows.shape, "datatype": "FP32", "data": rows.ravel().tolist()}
    return json.dumps({"inputs": [tensor]}).encode()


def _v2_answer(body: bytes) -> Answers:
    outputs = json.loads(body)["outputs"]
    found = {one["name"]: np.asarray(one["data"]).reshape(one["shape"]) for one in outputs}
    return {name: _flat(array) for name, array in found.items()}


def _flat(array: Any) -> Any:
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array  # MLServer's codec adds an axis


def binary(name: str, width: int, outputs: tuple[str, ...]) -> Form:
    """The binary tensor extension of the Open Inference Protocol, for rows in and all outputs back."""

    def write(rows: Rows) -> bytes:
        return _binary_head(rows, outputs) + rows.tobytes()

    head = len(_binary_head(np.zeros((100, width), np.float32), outputs))
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(head)}
    return Form(path=f"/v2/models/{name}/infer", write=write, read=_binary_answer, headers=headers)


def _binary_head(rows: Rows, outputs: tuple[str, ...]) -> bytes:
    parameters = {"binary_data_size": rows.nbytes}
    tensor = {"name": "input", "shape": rows.shape, "datatype": "FP32", "parameters": parameters}
    wanted = [{"name": name, "parameters": {"binary_data": True}} for name in outputs]
    return json.dumps({"inputs": [tensor], "outputs": wanted}).encode()


def _binary_answer(body: bytes) -> Answers:
    document, end = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    found = {}
    for one in document["outputs"]:
        size = one["parameters"]["binary_data_size"]
        found[one["name"]] = np.frombuffer(body[end : end + size], _TYPES[one["datatype"]]).reshape(one["shape"])
        end += size
    return found


DATA = Form(
    path="/score",
    write=lambda rows: json.dumps({"data": rows.tolist()}).encode(),
    read=lambda body: _arrays(json.loads(body)),
)
PROTOCOL = Form(path="/v2/models/digits/infer", write=_v2_body, read=_v2_answer)
MLFLOW = Form(
    path="/invocations",
    write=lambda rows: json.dumps({"inputs": rows.tolist()}).encode(),
    read=lambda body: _arrays(json.loads(body)["predictions"]),
)
