"""The document is read whatever is in it: the code that is tried may have written it."""

from pathlib import Path

import pytest

from modelyard.images.trials.touched import read_touched


def test_a_document_is_read(tmp_path: Path) -> None:
    file = tmp_path / "touched.json"
    file.write_text('{"read": ["/a"], "later": 1, "left_out": {"read": 2}}')
    touched = read_touched(file)

    assert touched is not None
    assert (touched.read, touched.left_out) == (("/a",), {"read": 2})


@pytest.mark.parametrize("content", [b"", b"no JSON", b'{"read": 1}', b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_document_is_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "touched.json"
    file.write_bytes(content)

    assert read_touched(file) is None


def test_a_missing_document_is_none(tmp_path: Path) -> None:
    assert read_touched(tmp_path / "touched.json") is None
