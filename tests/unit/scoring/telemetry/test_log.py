"""What is logged stays on its line."""

import json
import os

from modelyard_scoring.telemetry.log import DirectWriter, line


def test_a_line_of_the_log_is_one_line_whatever_is_in_it():
    data = line("info", 'a\n{"level":"error"}\r\x00', target="\n")
    assert data.count(b"\n") == 1
    assert json.loads(data)["text"] == 'a\n{"level":"error"}\r\x00'


def test_the_master_drops_lines_that_nobody_takes_and_says_how_many_once_somebody_does():
    reading, writing = os.pipe()
    try:
        writer = DirectWriter(writing)
        for _ in range(200):
            writer.write(b"x" * 1023 + b"\n")
        taken = os.read(reading, 1 << 20)
        writer.write(b"the next\n")
        told, last = os.read(reading, 1 << 20).splitlines()
    finally:
        os.close(reading)
        os.close(writing)
    assert 0 < taken.count(b"\n") < 200
    assert json.loads(told)["text"] == f"{200 - len(taken) // 1024} lines of the log were dropped"
    assert last == b"the next"
