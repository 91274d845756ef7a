"""Why a start failed can be read."""

import json

from modelyard_scoring.failure import STDERR, Failure


def test_a_record_of_failure_is_written_once(tmp_path):
    file = tmp_path / "failure.json"
    Failure.of("init", ModuleNotFoundError("No module named 'x'", name="x")).write(file)
    Failure.of("warm-up", ValueError("later")).write(file)
    record = json.loads(file.read_bytes())
    assert (record["phase"], record["type"]) == ("init", "ModuleNotFoundError")
    assert "'x'" in record["hint"]


def test_a_record_for_the_log_is_one_line_of_it(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Failure.of("init", ValueError("two\nlines")).write(STDERR)
    assert json.loads(capsys.readouterr().err)["message"] == "two\nlines"
    assert list(tmp_path.iterdir()) == []
