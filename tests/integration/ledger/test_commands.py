"""The commands of the ledger, as processes of their own."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.integration.server_process import ServerProcess

from modelyard.ledger.entry import NewEntry
from modelyard.ledger.operations import append
from modelyard.store.creation import create_store
from modelyard.store.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the folder of a workspace whose ledger has three entries."""
    folder = tmp_path / ".modelyard"
    create_store(folder, "written", {}, exist_ok=False)
    with_rows = Store.open(folder)
    for name in ("digits", "letters", "digits"):
        new = NewEntry(by="ann", why="it is better", subject=f"service:{name}", action="promoted", facts={"to": 2})
        append(with_rows.database, new, dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC))
    with_rows.close()
    return folder


def _ledger(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from modelyard.cli.main import main; main()", "ledger", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def _cut(root: Path) -> None:
    store = Store.open(root)
    with store.database.write() as connection:
        connection.execute(text("DELETE FROM ledger_entry WHERE number = 2"))
    store.close()


def test_what_happened_is_listed_for_people_and_for_programs(root: Path) -> None:
    _, headings, _, newest, *_ = _ledger("list", "-w", str(root)).stdout.splitlines()
    listed = json.loads(_ledger("list", "--subject", "service:digits", "--json", "-w", str(root)).stdout)

    assert headings.split() == ["ENTRY", "AT", "(UTC)", "SUBJECT", "ACTION", "BY", "WHY"]
    assert newest.split("  ")[0].strip() == "3"
    assert "2026-11-28 12:00:00" in newest
    assert [(one["number"], one["facts"]) for one in listed] == [(3, {"to": 2}), (1, {"to": 2})]


def test_a_whole_ledger_says_its_head_which_proves_it_later(root: Path) -> None:
    head = _ledger("verify", "-w", str(root)).stdout.split()[-1]
    again = _ledger("verify", "--head", head, "--json", "-w", str(root))
    other = _ledger("verify", "--head", "a" * 64, "-w", str(root))

    assert (again.returncode, again.stderr) == (0, "")
    assert json.loads(again.stdout) == {"entries": 3, "head": head, "broken": None, "reason": ""}
    assert (other.returncode, other.stderr.count("\n")) == (1, 1)
    assert "The ledger is broken: no entry has the digest aaaa" in other.stderr


def test_a_broken_ledger_is_status_1_and_the_entry(root: Path) -> None:
    _cut(root)

    told = _ledger("verify", "-w", str(root))
    shown = _ledger("verify", "--json", "-w", str(root))

    assert (told.returncode, told.stderr) == (1, "modelyard: The ledger is broken at entry 2: it is missing\n")
    assert (shown.returncode, json.loads(shown.stdout)["broken"]) == (1, 2)


def test_a_served_ledger_is_verified_where_its_rows_are(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ServerProcess(root) as server:
        monkeypatch.setenv("MODELYARD_TOKEN", str(server.token))
        whole = _ledger("verify", "-w", server.url)
        _cut(root)
        broken = _ledger("verify", "-w", server.url)

    assert (whole.returncode, broken.returncode) == (0, 1)
    assert "broken at entry 2" in broken.stderr
