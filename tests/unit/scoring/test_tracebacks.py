"""Tracebacks that show the frames of the author."""

import json
from pathlib import Path

import pytest

from modelyard_scoring.tracebacks import author_traceback, comes_from

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
