from pathlib import Path

import pytest

from modelyard.pipelines.run import StepOutput
from modelyard.sdk.pipeline import decision
from modelyard.sdk.pipeline.decision import Wholeness
from modelyard.sdk.workspace import Workspace
from modelyard.store.trees import keep_folder


@pytest.fixture
def outputs(workspace: Workspace, tmp_path: Path) -> dict[str, StepOutput]:
    folder = tmp_path / "written"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(name)
    return {
        "model": StepOutput(tree=workspace.backend.trees.create(keep_folder(folder, workspace.backend.blobs)).digest)
    }


def _file(workspace: Workspace, outputs: dict[str, StepOutput]) -> Path:
    digest = workspace.backend.trees.get(outputs["model"].tree).entries[0].sha256
    return Path(workspace.location) / "blobs" / digest[:2] / digest


def test_files_that_have_not_changed_are_not_read_again(
    workspace: Workspace, outputs: dict[str, StepOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    wholeness = Wholeness(workspace.backend)
    assert wholeness.fault(outputs) is None

    monkeypatch.setattr(decision, "digest_of", lambda path: pytest.fail(f"{path} was read"))
    assert [wholeness.fault(outputs) for _ in range(2)] == [None, None]


def test_a_file_that_was_damaged_since_is_found_and_removed(
    workspace: Workspace, outputs: dict[str, StepOutput]
) -> None:
    wholeness, file = Wholeness(workspace.backend), _file(workspace, outputs)
    assert wholeness.fault(outputs) is None
    file.chmod(0o644)
    file.write_text("x")

    assert wholeness.fault(outputs) == ("damaged", "output 'model'")
    assert not file.exists()


def test_what_is_not_there_is_missed(workspace: Workspace, outputs: dict[str, StepOutput]) -> None:
    wholeness = Wholeness(workspace.backend)
    _file(workspace, outputs).unlink()
    assert wholeness.fault(outputs) == ("missing", "output 'model': 1 of its files")

    tree = outputs["model"].tree
    (Path(workspace.location) / "blobs" / tree[:2] / tree).unlink()
    assert wholeness.fault(outputs) == ("missing", "output 'model'")
