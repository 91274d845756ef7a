from pathlib import Path

import pytest
from tests.unit.sdk.pipeline.running import run, words_of

from modelyard import CommandStep, Datastore, DataTransferStep, Pipeline, PipelineData, Workspace
from modelyard.errors import InvalidValueError
from modelyard.pipelines.errors import UnknownArgumentError
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.transfer import transfer


@pytest.fixture
def other(workspace: Workspace, tmp_path: Path) -> Datastore:
    (tmp_path / "other").mkdir()
    return Datastore.register_folder(workspace, "other", tmp_path / "other", overwrite=True)


def test_data_goes_from_one_datastore_to_another(
    workspace: Workspace, store: Datastore, other: Datastore, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("1\n2\n")
    store.upload_files([str(tmp_path / "rows.csv")], target_path="a b", show_progress=False)
    step = DataTransferStep("move", store.path("a b"), other.path("-kept/ü"))

    (said,) = run(Pipeline(workspace, [step]), tmp_path)

    assert said == "1 files with 4 bytes are there, with the same content.\n"
    assert (tmp_path / "other" / "-kept" / "ü" / "rows.csv").read_text() == "1\n2\n"
    assert compiled(Pipeline(workspace, [step])).steps[0].reuse.by == "never"


def test_what_a_step_wrote_goes_to_a_datastore_and_back(workspace: Workspace, other: Datastore, tmp_path: Path) -> None:
    made, back = PipelineData("made"), PipelineData("back")
    write = CommandStep("write", ["write", made], outputs=[made])
    away = DataTransferStep("away", made, other.path("x.csv"))
    home = DataTransferStep("home", other.path("x.csv"), back, inputs={"made": made})
    (tmp_path / "write").mkdir()
    (tmp_path / "write" / "made").write_text("1\n")

    steps = compiled(Pipeline(workspace, [write, away, home])).steps
    for step in steps[1:]:
        (tmp_path / step.name).mkdir()
        transfer(workspace, words_of(step, tmp_path)[3:])

    assert (tmp_path / "home" / "back").read_text() == "1\n"
    assert list(steps[2].inputs) == ["made"]


def test_what_fails_is_a_line(workspace: Workspace, store: Datastore, other: Datastore, tmp_path: Path) -> None:
    (said,) = run(Pipeline(workspace, [DataTransferStep("move", store.path("nowhere"), other.path("x"))]), tmp_path)

    assert said == "NotFoundError: There is no file or folder 'nowhere'.\n"


def test_what_cannot_be_is_refused(store: Datastore) -> None:
    with pytest.raises(InvalidValueError, match="the from of a transfer"):
        DataTransferStep("move", "a", store.path("x"))
    with pytest.raises(UnknownArgumentError, match="source_data_reference"):
        DataTransferStep("move", store.path("x"), store.path("y"), source=1)
