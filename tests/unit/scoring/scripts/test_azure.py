"""Azure's names, offered where nothing else has them."""

import subprocess
import sys
from pathlib import Path

import pytest

from modelyard_scoring.scripts.azure import NOT_READ, OFFERED, warn_of_variables

PAGE = (Path(__file__).parents[4] / "docs/reference/azure-scripts.md").read_text()


@pytest.mark.parametrize("name", sorted(NOT_READ))
def test_the_page_has_each_variable_that_is_not_read(name):
    assert f"`{name}`" in PAGE


def test_all_that_is_offered_can_be_imported():
    lines = [f"from {module} import {', '.join(names)}" for module, names in OFFERED.items()]
    code = "from modelyard_scoring.scripts import azure; azure.offer()\n" + "\n".join(lines)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_is_not_offered_is_not_found():
    code = "from modelyard_scoring.scripts import azure; azure.offer()\nimport azureml.core.workspace"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "ModuleNotFoundError: No module named 'azureml.core.workspace'" in done.stderr


def test_a_variable_that_is_not_read_is_named_with_what_there_is_instead(monkeypatch, caplog):
    for name in NOT_READ:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORKER_COUNT", "4")
    warn_of_variables()
    assert [record.getMessage() for record in caplog.records] == [
        "The variable WORKER_COUNT is not read; use --workers."
    ]
