import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from modelyard.compute.ending import Ending, as_said, ended, failed
from modelyard.tracking.run import RunError, RunInfo

TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 1\nValueError: no'


def _ended(tmp_path: Path, text: str, status: int = 1) -> RunError:
    (tmp_path / "log").write_text(text)
    error = ended("train.py", status, tmp_path / "log").error
    assert error is not None
    return error


def test_a_script_that_ends_well_completes(tmp_path: Path) -> None:
    assert ended("train.py", 0, tmp_path / "log") == Ending(status="Completed", exit_status=0)


def test_the_last_traceback_is_kept_and_nothing_before_it(tmp_path: Path) -> None:
    error = _ended(tmp_path, f"{TRACEBACK}\nbetween\n{TRACEBACK}, never\n")

    assert error.traceback == f"{TRACEBACK}, never"


def test_without_a_traceback_the_last_lines_are_kept(tmp_path: Path) -> None:
    error = _ended(tmp_path, "\n".join(f"line {number}" for number in range(100)))

    assert error.traceback.splitlines() == [f"line {number}" for number in range(70, 100)]


def test_of_a_long_log_only_the_end_is_read(tmp_path: Path) -> None:
    assert len(_ended(tmp_path, "x" * 1_000_000).traceback) < 10_000


def test_no_log_is_no_fault(tmp_path: Path) -> None:
    assert ended("train.py", 1, tmp_path / "nothing").status == "Failed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ModuleNotFoundError: No module named 'sklearn.svm'", "no module 'sklearn'"),
        ("modelyard: prog cannot be started: No such file or directory", "prog cannot be started: No such file"),
        ("", "train.py: it ended with status 1."),
    ],
)
def test_what_helps_is_said(tmp_path: Path, text: str, said: str) -> None:
    assert said in _ended(tmp_path, text).message


def _info(**details: Any) -> RunInfo:
    now = dt.datetime.now(dt.UTC)
    return RunInfo(
        id="digits_1",
        number=1,
        experiment="digits",
        display_name="",
        type="script",
        status="Finalizing",
        parent=None,
        tags={},
        properties={},
        parameters={},
        digests={},
        details=details,
        error=None,
        heartbeat=10,
        created=now,
        started=now,
        ended=None,
    )


def test_a_script_that_ended_well_may_have_said_that_it_failed() -> None:
    info = _info(ends_as={"status": "Failed", "error": {"message": "too bad"}})

    said = as_said(info, Ending(status="Completed", exit_status=0))

    assert said == Ending(status="Failed", error=RunError(message="too bad"), exit_status=0)


def test_a_script_that_ended_badly_has_failed_whatever_it_said() -> None:
    ending = failed("no", "script-failed")

    assert as_said(_info(ends_as={"status": "Completed"}), ending) == ending


def test_a_script_that_said_nothing_ends_as_it_ended() -> None:
    assert as_said(_info(), Ending(status="Completed")) == Ending(status="Completed")
