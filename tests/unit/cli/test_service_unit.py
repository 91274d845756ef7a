"""The unit of systemd that a workspace's services need, read as systemd reads it."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelyard.cli.main import modelyard
from modelyard.cli.service_unit import Unit
from modelyard.sdk.workspace import Workspace

FOLDER = '/srv/a "b" $HOME 100%/.modelyard'


def _unit(**changes: object) -> Unit:
    given = {"name": "yard", "workspace": FOLDER, "python": sys.executable, "user": "root", "token": "/h/yard.token"}
    return Unit(**{**given, "variables": {"MODELYARD_HOME": "/h/%h"}, "system": True, **changes})


def _read(unit: Unit) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, comment_prefixes="#", delimiters="=")
    parser.optionxform = str
    parser.read_string(str(unit))
    return parser


def test_what_a_shell_or_systemd_would_replace_stays_as_it_is() -> None:
    service = _read(_unit())["Service"]

    assert service["ExecStart"].endswith('"run" "--workspace" "/srv/a \\"b\\" $$HOME 100%%/.modelyard"')
    assert service["ExecStart"].startswith(f'"{sys.executable}" "-P" ')
    assert service["Environment"] == '"MODELYARD_HOME=/h/%%h"'


def test_a_unit_of_the_machine_names_its_user_and_one_of_the_user_needs_no_right_it_lacks() -> None:
    machine, own = _read(_unit()), _read(_unit(system=False))

    assert (machine["Service"]["User"], machine["Install"]["WantedBy"]) == ("root", "multi-user.target")
    assert ("User" in own["Service"], own["Install"]["WantedBy"]) == (False, "default.target")
    assert "ProtectSystem" in machine["Service"]
    assert not [name for name in own["Service"] if name.startswith("Protect")]


def test_what_serves_outlives_the_runner_and_the_runner_always_comes_back() -> None:
    service = _read(_unit())["Service"]

    assert (service["KillMode"], service["Restart"], service["Delegate"]) == ("process", "always", "yes")
    assert "stop" in service["ExecStartPre"]


def test_a_runner_of_a_served_workspace_is_given_the_token_by_a_file() -> None:
    unit = _unit(workspace="https://yard.example.org")

    assert _read(unit)["Service"]["EnvironmentFile"] == "/h/yard.token"
    assert "ExecStartPre" not in _read(unit)["Service"]
    assert "MODELYARD_TOKEN=" in str(unit)


@pytest.mark.parametrize("kind", ["system", "user"])
def test_the_unit_that_is_printed_is_one_for_systemd(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    Workspace.create("yard", path=tmp_path).close()

    done = CliRunner().invoke(modelyard, ["service", "install-unit", f"--{kind}", "-w", str(tmp_path)])

    file = tmp_path / "modelyard-yard.service"
    file.write_text(done.output)
    assert f"MODELYARD_HOME={tmp_path}/home" in done.output
    assert str(tmp_path / ".modelyard") in done.output
    if (program := shutil.which("systemd-analyze")) is not None:  # elsewhere the tests above have to do
        checked = subprocess.run([program, "verify", f"--{kind}", file], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_who_does_not_own_the_workspace_is_told_who_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create("yard", path=tmp_path).close()
    monkeypatch.setattr(Path, "owner", lambda _: "alice")

    done = CliRunner().invoke(modelyard, ["service", "install-unit", "-w", str(tmp_path)])

    assert (done.exit_code, "have alice ask" in done.output) == (2, True)
