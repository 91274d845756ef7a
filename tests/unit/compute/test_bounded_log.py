"""A log of which the beginning and the end are kept."""

import os
import re
from pathlib import Path

import pytest

from modelyard.compute.bounded_log import BoundedLog


@pytest.mark.parametrize("size", [1, 7, 99, 1000])
def test_the_beginning_and_the_end_are_kept_and_the_rest_counted(tmp_path: Path, size: int) -> None:
    written = b"".join(b"%06d\n" % number for number in range(500))
    log = BoundedLog(str(tmp_path / "log"), 100)
    for start in range(0, len(written), size):
        log.add(written[start : start + size])
        assert (tmp_path / "log").stat().st_size < 300 + 120
    log.close()

    first, told, last = re.split(rb"\n(\[.*\])\n", (tmp_path / "log").read_bytes())
    assert (first, written[-len(last) :]) == (written[:100], last)
    assert int(told.split()[1]) == len(written) - len(first) - len(last)


def test_what_is_short_is_kept_as_it_is_after_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"before\n")
    log = BoundedLog(str(tmp_path / "log"), 100)
    log.add(b"\xff\n")
    log.close()

    assert (tmp_path / "log").read_bytes() == b"before\n\xff\n"


def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    log.add(b"kept")
    kept = os.dup(log.descriptor)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log.descriptor)
    log.add(b"lost")
    os.dup2(kept, log.descriptor)
    log.close()
    os.close(kept)
    os.close(full)
    text = (tmp_path / "log").read_text()

    assert text == "kept\n[modelyard: 4 bytes of the output are left out here: the disk was full]\n"
