"""Tracebacks that show the frames of the author."""

import json
from pathlib import Path

import pytest

from modelyard_scoring.tracebacks import author_dump, author_traceback, comes_from

HERE = Path(__file__).parent


def parse():
    return json.loads("{")


def caught(call):
    with pytest.raises((ValueError, RuntimeError)) as found:
        call()
    return found.value


def test_frames_of_libraries_are_folded():
    text = author_traceback(caught(parse), HERE)
    assert "in parse" in text
    assert "json/decoder.py" not in text
    assert text.splitlines()[-2].startswith("  ... 3 frames of Python")
    assert text.endswith(
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
    )


def test_all_frames_are_folded_where_none_is_the_author_s():
    text = author_traceback(caught(parse), Path("/not/here"))
    assert "File" not in text


def test_causes_are_shown_with_their_frames():
    def wrap():
        try:
            parse()
        except ValueError as error:
            raise RuntimeError("own") from error

    text = author_traceback(caught(wrap), HERE)
    assert text.count("in parse") == 1
    assert "direct cause" in text
    assert text.endswith("RuntimeError: own\n")


def test_an_exception_comes_from_whose_files_are_in_its_traceback():
    assert comes_from(caught(parse), HERE)
    assert not comes_from(caught(parse), Path("/not/here"))


def test_what_cannot_be_read_comes_from_where_it_lies():
    error = SyntaxError("invalid syntax", (str(HERE / "score.py"), 1, 1, "def"))
    assert comes_from(error, HERE)
    assert not comes_from(error, HERE / "other")


DUMP = """Fatal Python error: Segmentation fault

Current thread 0x1 (most recent call first):
  File "/lib/ctypes/__init__.py", line 5 in string_at
  File "/code/score.py", line 3 in run
  File "/server/script.py", line 9 in answer

Thread 0x2 (most recent call first):
  File "/server/log.py", line 6 in _work
"""


def test_a_crash_shows_the_threads_of_the_author():
    text = author_dump(DUMP, Path("/code"))

    assert text.endswith('string_at\n  File "/code/score.py", line 3 in run\n')
    assert text.startswith("Fatal Python error")
    assert "server" not in text


def test_a_crash_elsewhere_is_shown_whole():
    assert author_dump(DUMP, Path("/not/here")) == DUMP
