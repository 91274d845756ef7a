"""What is profiled is what is kept."""

from pathlib import Path

import pytest

from modelyard import Dataset, Workspace
from modelyard.errors import FileChangedError
from modelyard.sdk.data import keeping


def test_a_table_that_changes_after_it_was_profiled_is_refused(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id\n1\n")
    keep = keeping.keep

    def changed_before(*arguments: object) -> object:
        file.write_text("id\n22\n")
        return keep(*arguments)

    monkeypatch.setattr(keeping, "keep", changed_before)
    with Workspace.create("tests", path=tmp_path) as workspace:
        with pytest.raises(FileChangedError, match=r"a\.csv"):
            Dataset.register(workspace, "churn", file)
        assert workspace.datasets == {}
