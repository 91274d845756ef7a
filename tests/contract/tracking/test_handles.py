import math
import signal
from pathlib import Path

import numpy as np
import pytest

from modelyard import Experiment, Run, Workspace
from modelyard.errors import (
    AlreadyExistsError,
    InvalidPathError,
    InvalidValueError,
    NotFoundError,
    RunFailedError,
    StateError,
)
from modelyard.tracking.run import StatusChange


@pytest.fixture
def experiment(workspace: Workspace) -> Experiment:
    return Experiment(workspace, "digits")


def test_a_run_completes_at_the_end_of_its_block(experiment: Experiment) -> None:
    with experiment.start_run("first", tags={"a": 1}, parameters={"lr": math.inf}) as run:
        assert run.status == "Running"
    assert (run.status, run.display_name, run.tags, run.number) == ("Completed", "first", {"a": "1"}, 1)
    assert run.parameters == {"lr": "Infinity"}
    assert Run.get(experiment.workspace, run.id).get_details()["status"] == "Completed"
    assert run.experiment.workspace is experiment.workspace


def test_a_run_fails_with_the_error_and_keeps_its_traceback(experiment: Experiment) -> None:
    with pytest.raises(ZeroDivisionError), experiment.start_run() as run:
        1 / 0  # noqa: B018 - the error is wanted
    error = run.info.error
    assert (run.status, error.message) == ("Failed", "ZeroDivisionError: division by zero")
    assert "1 / 0" in error.traceback
    with pytest.raises(RunFailedError, match="division by zero"):
        run.wait_for_completion()
    assert run.wait_for_completion(raise_on_error=False)["error"]["message"] == error.message


def test_a_run_is_canceled_by_an_interrupt(experiment: Experiment) -> None:
    with pytest.raises(KeyboardInterrupt), experiment.start_run() as run:
        signal.raise_signal(signal.SIGINT)
    assert run.status == "Canceled"


@pytest.mark.parametrize(("code", "status"), [(0, "Completed"), (None, "Completed"), (3, "Failed")])
def test_a_run_ends_as_the_script_exits(experiment: Experiment, code: int | None, status: str) -> None:
    with pytest.raises(SystemExit), experiment.start_run() as run:
        raise SystemExit(code)
    assert run.status == status


def test_a_run_that_was_ended_in_its_block_stays_so(experiment: Experiment) -> None:
    with experiment.start_run() as run:
        run.fail("not good enough", "E1")
    assert (run.status, run.info.error.message, run.info.error.code) == ("Failed", "not good enough", "E1")
    with pytest.raises(StateError):
        run.complete()
    with experiment.start_run() as other:
        experiment.workspace.backend.runs.change_status(other.id, StatusChange(status="Canceled"))
    assert other.status == "Canceled"


def test_metrics_are_given_back_as_users_know_them(experiment: Experiment) -> None:
    run = experiment.start_logging()
    run.log("once", 0.5)
    for value in (1, math.nan, np.float32(2.5)):
        run.log("often", value)
    run.log_list("list", [1, math.inf, "x"])
    run.log_row("row", x=1, y=2.5)
    run.log_row("rows", x=1)
    run.log_row("rows", x=2, y="z")
    run.log_table("table", {"x": [1, 2], "y": ["NaN", "b"]})
    run.log_many({"a": 1, "b": -math.inf}, step=7)
    found = run.get_metrics()
    assert str(found.pop("often")) == "[1, nan, 2.5]"
    assert found == {
        "once": 0.5,
        "list": [1, math.inf, "x"],
        "row": {"x": 1, "y": 2.5},
        "rows": {"x": [1, 2], "y": [None, "z"]},
        "table": {"x": [1, 2], "y": ["NaN", "b"]},
        "a": 1,
        "b": -math.inf,
    }
    assert run.get_metrics("once") == {"once": 0.5}
    assert run.get_metrics("none") == {}
    assert [(one.value, one.step) for one in run.metric_history("b")] == [(-math.inf, 7)]
    run.complete()


def test_charts_and_images_are_given_back_as_they_were(experiment: Experiment, tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    data = {
        "log_confusion_matrix": {"class_labels": ["a"], "matrix": [[1]]},
        "log_residuals": {"bin_edges": [0, 1, math.inf], "bin_counts": [1, 2]},
        "log_predictions": {"bin_averages": [1], "bin_errors": [0.5], "bin_counts": [1], "bin_edges": [0, 1]},
        "log_accuracy_table": {
            "probability_tables": [[[1, 0, 0, 1]]],
            "percentile_tables": [[[1, 0, 0, 1]]],
            "probability_thresholds": [0.5],
            "percentile_thresholds": [0.5],
            "class_labels": ["a"],
        },
    }
    with experiment.start_run() as run:
        run.log_image("picture", array=pixels)
        run.log_image("picture", path=run.get_image("picture").save(tmp_path / "again.png"))
        for method, value in data.items():
            getattr(run, method)(method, value)
    assert np.array_equal(np.asarray(run.get_image("picture").open()), pixels)
    assert run.get_image("picture", 0) == run.get_image("picture", 1)
    found = run.get_metrics()
    assert found["picture"][0]["media_type"] == "image/png"
    assert {method: found[method]["data"] for method in data} == data
    with pytest.raises(NotFoundError) as raised:
        run.get_image("pictures")
    assert raised.value.known == ("picture",)


def test_files_go_up_and_come_down(experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made" / "deep").mkdir(parents=True)
    (tmp_path / "made" / "deep" / "model.bin").write_bytes(b"\x00model")
    (tmp_path / "notes.txt").write_text("notes")
    with experiment.start_run() as run:
        run.upload_file("outputs/notes.txt", "notes.txt")
        run.upload_folder("outputs/made", "made")
        run.upload_files(["a", "b"], ["notes.txt", "notes.txt"])
        with pytest.raises(AlreadyExistsError, match="overwrite"):
            run.upload_file("a", "made/deep/model.bin")
        run.upload_file("a", "made/deep/model.bin", overwrite=True)
        with pytest.raises(InvalidPathError):
            run.upload_file("../a", "notes.txt")
        with pytest.raises(InvalidValueError):
            run.upload_files(["a"], [])
    assert run.get_file_names() == ["a", "b", "outputs/made/deep/model.bin", "outputs/notes.txt"]
    assert run.download_file("outputs/notes.txt", "down.txt").read_text() == "notes"
    written = run.download_files("outputs", "down", append_prefix=False)
    assert [str(path) for path in written] == ["down/made/deep/model.bin", "down/notes.txt"]
    assert Path("down/made/deep/model.bin").read_bytes() == b"\x00model"
    with pytest.raises(NotFoundError, match=r"There are: outputs/notes\.txt, "):
        run.download_file("notes.txt")


def test_children_log_for_their_parent_too(experiment: Experiment) -> None:
    with experiment.start_run() as run:
        run.log("loss", 3)
        with run.child_run("fold 1") as child:
            child.log("loss", 2)
            child.child_run("inner").complete()
        first, second = run.create_children(2)
        assert first.status == "NotStarted"
        first.start()
        first.log("loss", 1)
        first.complete()
        second.cancel()
    assert {one.id for one in run.get_children()} == {child.id, first.id, second.id}
    assert len(list(run.get_children(recursive=True))) == 4
    assert child.parent.id == run.id
    assert run.parent is None
    assert sorted(run.get_metrics("loss", recursive=True)["loss"]) == [1, 2, 3]
    assert [one.id for one in experiment.get_runs()] == [run.id]
    assert len(list(experiment.get_runs(include_children=True))) == 5


def test_tags_change_and_properties_stay(experiment: Experiment) -> None:
    run = experiment.start_logging(tags={"a": 1}, properties={"p": "q"})
    run.tag("b")
    run.set_tags({"a": 2, "c": True})
    run.remove_tags("b", "none")
    run.add_properties({"p": "q", "r": 1})
    with pytest.raises(StateError):
        run.add_properties({"p": "other"})
    run.log_parameters({"depth": 3})
    run.display_name = "best"
    assert (run.tags, run.properties) == ({"a": "2", "c": "True"}, {"p": "q", "r": "1"})
    assert (run.parameters, run.display_name) == ({"depth": 3}, "best")
    assert [one.id for one in experiment.get_runs(tags={"a": "2"}, properties="p", status="Running")] == [run.id]
    assert list(experiment.get_runs(tags=["b"])) == []
    run.complete()


def test_experiments_are_found_by_name(workspace: Workspace) -> None:
    for name in ("b", "a"):
        Experiment(workspace, name)
    assert [one.name for one in Experiment.list(workspace)] == ["a", "b"]
    assert list(workspace.experiments) == ["a", "b"]
    assert workspace.experiments["a"].info == Experiment(workspace, "a").info


def test_only_what_can_be_submitted_is(experiment: Experiment) -> None:
    class Config:
        def submit(self, experiment: Experiment, tags: object = None, **options: object) -> object:
            return experiment.name, tags, options

    assert experiment.submit(Config(), tags={"a": 1}, wait=True) == ("digits", {"a": 1}, {"wait": True})
    with pytest.raises(InvalidValueError, match="ScriptRunConfig"):
        experiment.submit("train.py")


def test_a_snapshot_is_kept_with_the_run_that_asks_for_one(experiment: Experiment, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text("print()")
    with experiment.start_run(snapshot_directory=source) as run:
        pass
    tree = experiment.workspace.backend.trees.get(run.info.digests["snapshot"])
    assert list(tree.files) == ["train.py"]
