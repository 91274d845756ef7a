"""Files of keys."""

from pathlib import Path

import pytest

from modelyard.services.errors import KeyFileError
from modelyard.services.key_file import read_key, write_key
from modelyard.settings import Secret

KEY = Secret("a-key-of-the-tests-0123456789")


def test_a_key_is_read_as_it_was_written_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "keys.json"
    write_key(file, Secret("another"))
    write_key(file, KEY)

    assert read_key(file).reveal() == KEY.reveal()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b'{"primary": 1}', b"\xff", KEY.reveal().encode()])
def test_a_file_without_a_key_is_an_error_that_does_not_show_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(content)

    with pytest.raises(KeyFileError, match=r"keys\.json.*it is not JSON") as caught:
        read_key(file)
    assert KEY.reveal() not in str(caught.value)


def test_a_file_that_is_not_there_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"none\.json cannot be used: No such file"):
        read_key(tmp_path / "none.json")
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match="cannot be used"):
        write_key(tmp_path / "file" / "keys.json", KEY)
