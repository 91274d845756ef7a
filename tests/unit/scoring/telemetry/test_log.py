"""What is logged stays on its line."""

import json

from modelyard_scoring.telemetry.log import line


def test_a_line_of_the_log_is_one_line_whatever_is_in_it():
    data = line("info", 'a\n{"level":"error"}\r\x00', target="\n")
    assert data.count(b"\n") == 1
    assert json.loads(data)["text"] == 'a\n{"level":"error"}\r\x00'
