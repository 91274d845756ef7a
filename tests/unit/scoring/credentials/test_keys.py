"""Keys are read from a file that only its owner can read."""

import json
import os

import pytest

from modelyard_scoring.credentials.keys import Keys
from modelyard_scoring.errors import KeyRefusedError, KeysFileError

FIRST, SECOND = "first-key-0123456789", "second-key-012345678"


def write(file, content, mode=0o600):
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    file.chmod(mode)
    return file


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "keys.json", {"primary": FIRST, "secondary": SECOND})


@pytest.mark.parametrize("header", [f"Bearer {FIRST}", f"bearer {SECOND}", f"Bearer  {FIRST} "])
def test_both_keys_are_accepted(file, header):
    Keys(file).check(header.encode())


@pytest.mark.parametrize(
    "header",
    [b"", b"Bearer", b"Bearer ", b"Basic " + FIRST.encode(), FIRST.encode(), f"Bearer {FIRST}x".encode(), b"\xff\xff"],
)
def test_other_headers_are_refused(file, header):
    with pytest.raises(KeyRefusedError, match="is not a key"):
        Keys(file).check(header)


@pytest.mark.parametrize("key", [FIRST, SECOND])
def test_a_key_may_come_in_a_header_of_its_own(file, key):
    Keys(file).check(None, key.encode())


@pytest.mark.parametrize("key", [b"", b"Bearer " + FIRST.encode(), FIRST.encode()[:-1], b"\xff"])
def test_another_key_in_a_header_of_its_own_is_refused(file, key):
    with pytest.raises(KeyRefusedError, match="is not a key"):
        Keys(file).check(None, key)


def test_beside_an_api_key_the_other_header_does_not_count(file):
    Keys(file).check(b"Bearer a-token-of-the-proxy-before-it", FIRST.encode())
    with pytest.raises(KeyRefusedError, match="is not a key"):
        Keys(file).check(f"Bearer {FIRST}".encode(), b"another")


def test_a_missing_header_is_refused(file):
    with pytest.raises(KeyRefusedError, match="is missing"):
        Keys(file).check(None)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(file, mode):
    file.chmod(mode)
    with pytest.raises(KeysFileError, match="can be read by others"):
        Keys(file)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        {},
        {"primary": 5},
        {"primary": "short"},
        {"primary": FIRST, "tertiary": SECOND},
        {"primary": "ä" * 20},
    ],
)
def test_other_contents_are_refused_without_showing_them(tmp_path, content):
    with pytest.raises(KeysFileError) as caught:
        Keys(write(tmp_path / "keys.json", content))
    assert FIRST not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(KeysFileError, match="No such file"):
        Keys(tmp_path / "keys.json")


def test_a_changed_file_is_read_again_and_a_bad_one_is_not(file):
    keys = Keys(file)
    new = "third-key-0123456789"
    write(file, {"primary": new})
    os.utime(file, ns=(1, 1))
    keys.refresh()
    keys.check(f"Bearer {new}".encode())
    with pytest.raises(KeyRefusedError):
        keys.check(f"Bearer {FIRST}".encode())
    write(file, "{")
    os.utime(file, ns=(2, 2))
    keys.refresh()
    keys.check(f"Bearer {new}".encode())
    file.unlink()
    keys.refresh()
    keys.check(f"Bearer {new}".encode())
