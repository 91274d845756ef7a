"""Random requests to models of random signatures are answered as an oracle says, which shares no code with us."""

import json

import pytest
from tests.integration.scoring.scenarios import judged
from tests.integration.scoring.scenarios.oracle import Fault, Verdict, verdict
from tests.integration.scoring.scenarios.wire import Answer

SEED, MODELS, REQUESTS = 20, 40, 4000


@pytest.mark.parametrize("place", ["loop", "thread"])
def test_every_answer_is_the_one_that_the_reference_promises(folders, start, place):
    models = judged.models(folders.save, MODELS, SEED)
    folder = folders.write(models, limits={"max_rows": judged.MAX_ROWS})
    server = start(folder, "--run-in", place, "--access-log", "off").wait()
    workers = server.workers()
    wrong, right = judged.judge(server.port, models, REQUESTS, f"{SEED} {place}")
    assert wrong == []
    assert REQUESTS // 4 < right < REQUESTS * 3 // 4
    assert server.workers() == workers
    assert "Traceback" not in server.log


FLAT = {
    "form": "array",
    "inputs": [{"name": "x", "type": "float32", "shape": [None, 2], "nullable": True}],
}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"x_out": [[1.0, 2.5]]}),
        (200, {"x_out": [[1.0]]}),
        (200, {"x_out": [[1.0, "2"]]}),
        (200, {"y": [[1.0, 2.0]]}),
        (400, {"code": "wrong-value", "row": 0, "column": 0}),
        (500, {"code": "model-failed"}),
    ],
)
def test_a_wrong_answer_to_a_right_request_is_noticed(status, body):
    said = verdict(FLAT, b"[[1, 2]]", 7)
    assert said == Verdict({"x_out": [[1.0, 2.0]]})
    assert judged.mistake(FLAT, said, Answer(200, b"", b'{"x_out": [[1.0, 2.0]]}')) is None
    assert judged.mistake(FLAT, said, Answer(status, b"", json.dumps(body).encode())) is not None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"x_out": [[1.0, 2.0]]}),
        (400, {"code": "wrong-value", "row": 0, "column": 1}),
        (400, {"code": "wrong-value"}),
        (500, {"code": "wrong-value", "row": 1, "column": 1}),
        (400, {"code": "wrong-form"}),
    ],
)
def test_a_wrong_answer_to_a_wrong_request_is_noticed(status, body):
    said = verdict(FLAT, b'[[1, null], [2, "x"]]', 7)
    assert said.faults == {Fault("wrong-value", 1, 1)}
    right = Answer(400, b"", b'{"code": "wrong-value", "row": 1, "column": 1}')
    assert judged.mistake(FLAT, said, right) is None
    assert judged.mistake(FLAT, said, Answer(status, b"", json.dumps(body).encode())) is not None
