"""The model that a user holds, with a real workspace, runs and estimators."""

import shutil
import subprocess

import numpy as np
import pytest
from tests.wheels import make_wheel

from modelyard import Experiment
from modelyard.environments.lock import Lock
from modelyard.environments.recording import lock_running
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import (
    AlreadyExistsError,
    InUseError,
    InvalidNameError,
    InvalidReferenceError,
    InvalidValueError,
    NotFoundError,
    StateError,
)
from modelyard.models.signature import Sample, Signature
from modelyard.sdk.environment import Environment
from modelyard.sdk.model.model import Model


def test_a_registered_file_comes_back_as_it_was(workspace, pickled, tmp_path):
    model = Model.register(workspace, pickled, "digits", {"data": "mnist"}, {"n": 3}, "small")
    assert (model.id, model.name, model.version) == ("digits:1", "digits", 1)
    assert (model.tags, model.properties, model.description) == ({"data": "mnist"}, {"n": "3"}, "small")
    assert model.download(tmp_path / "out") == tmp_path / "out" / "model.pkl"
    assert (tmp_path / "out" / "model.pkl").read_bytes() == pickled.read_bytes() == model.read()


def test_a_registered_folder_comes_back_under_its_name(workspace, tmp_path):
    (tmp_path / "net" / "inner").mkdir(parents=True)
    (tmp_path / "net" / "inner" / "weights").write_bytes(b"1")
    (tmp_path / "net" / "run.sh").write_bytes(b"#!")
    (tmp_path / "net" / "run.sh").chmod(0o755)
    seen = []
    model = Model.register(workspace, "net", "digits", seen=lambda path, size: seen.append((path, size)))
    assert sorted(seen) == [("inner/weights", 1), ("run.sh", 2)]
    target = model.download(tmp_path / "out")
    assert target == tmp_path / "out" / "net"
    assert (target / "inner" / "weights").read_bytes() == b"1"
    assert (target / "run.sh").stat().st_mode & 0o111
    assert model.read("net/run.sh") == b"#!"
    with pytest.raises(NotFoundError, match=r"net/run\.sh"):
        model.read("run.sh")


def test_a_download_replaces_nothing_unless_told(workspace, pickled, tmp_path):
    model = Model.register(workspace, pickled, "digits")
    target = model.download(tmp_path / "out")
    target.write_bytes(b"mine")
    with pytest.raises(AlreadyExistsError, match="exist_ok"):
        model.download(tmp_path / "out")
    assert target.read_bytes() == b"mine"
    model.download(tmp_path / "out", exist_ok=True)
    assert target.read_bytes() == pickled.read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.pkl"]


@pytest.mark.parametrize(("path", "reason"), [("none.pkl", "no such file"), ("empty", "no file in it")])
def test_nothing_to_register_is_an_error_and_takes_no_number(workspace, pickled, tmp_path, path, reason):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidValueError, match=reason):
        Model.register(workspace, path, "digits")
    assert Model.register(workspace, pickled, "digits").version == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "a\0b", "x" * 300, "d\u0131gits", ""])
def test_a_bad_name_is_refused_before_anything_is_kept(workspace, pickled, name):
    with pytest.raises(InvalidNameError, match="1 to 128"):
        Model.register(workspace, pickled, name)
    assert not list((pickled.parent / ".modelyard" / "blobs").glob("*/*"))


def test_models_are_found_by_reference_version_or_alias(workspace, pickled):
    models = [Model.register(workspace, pickled, "digits") for _ in range(3)]
    models[1].set_alias("champion", why="best")
    assert Model(workspace, "digits").id == "digits:3"
    assert Model(workspace, "digits", version=1).id == Model.get(workspace, "digits:1").id == "digits:1"
    assert Model(workspace, "digits", alias="champion").id == Model.get(workspace, "digits@champion").id == "digits:2"
    assert models[1].aliases == ("champion",)
    assert workspace.models["digits"].version == 3
    with pytest.raises(InvalidReferenceError, match="NAME:VERSION"):
        Model(workspace, "digits:1", version=2)


def test_lists_take_filters_as_users_write_them(workspace, pickled):
    Model.register(workspace, pickled, "a", tags={"stage": "test", "checked": ""})
    Model.register(workspace, pickled, "a", tags={"stage": "live"}, framework="onnx")
    Model.register(workspace, pickled, "b", tags={"stage": "test"}, properties={"p": 1})

    def ids(**filters):
        return [model.id for model in Model.list(workspace, **filters)]

    assert ids() == ["b:1", "a:2", "a:1"]
    assert ids(tags=["stage"]) == ids()
    assert ids(tags=["checked", ["stage", "test"]]) == ids(tags=[("checked", ""), "stage=test"]) == ["a:1"]
    assert ids(tags={"stage": "test"}, properties={"p": 1}) == ["b:1"]
    assert ids(tags="checked") == ["a:1"]
    assert ids(name="a", latest=True, framework="onnx") == ["a:2"]
    assert ids(limit=2) == ["b:1", "a:2"]


def test_labels_change_as_they_may(workspace, pickled):
    model = Model.register(workspace, pickled, "digits", properties={"p": 1}, datasets=[("training data", "mnist:1")])
    model.update(tags={"a": 1}, description="new", framework="onnx")
    model.add_tags({"b": 2})
    model.remove_tags(["a"])
    model.add_properties({"q": 2})
    model.add_dataset_references([("test data", "mnist:2")])
    found = Model(workspace, "digits").info
    assert (found.tags, found.properties, found.description) == ({"b": "2"}, {"p": "1", "q": "2"}, "new")
    assert [use.dataset for use in found.datasets] == ["mnist:1", "mnist:2"]
    with pytest.raises(StateError, match="'p'"):
        model.add_properties({"p": 2})
    with pytest.raises(InvalidValueError, match="pairs"):
        model.add_dataset_references(["mnist"])


def test_a_version_in_use_is_not_deleted(workspace, pickled):
    model = Model.register(workspace, pickled, "digits")
    model.set_alias("champion")
    with pytest.raises(InUseError, match="the alias champion"):
        model.delete()
    model.remove_alias("champion", why="retired")
    model.delete()
    assert Model.list(workspace) == []
    assert [(move.before, move.after, move.why) for move in model.alias_history()] == [
        (1, None, "retired"),
        (None, 1, ""),
    ]


def test_a_sample_shows_the_signature_and_is_kept(workspace, pickled, estimator, rows):
    answer = {"label": estimator.predict(rows[:2])}
    model = Model.register(workspace, pickled, "digits", sample=(rows[:2], answer))
    assert model.signature == Signature.infer(rows, answer)
    assert Model(workspace, "digits").sample == Sample.record(rows[:2], answer)
    assert Model.register(workspace, pickled, "digits", sample=rows).signature == Signature.infer(rows)
    given = Sample(request={"data": [[1]]}, answer={"y": [2]})
    assert Model.register(workspace, pickled, "digits", sample=given).sample == given
    assert Model.register(workspace, pickled, "digits", sample=(rows[:1], [1])).sample.answer == {"output": [1]}


def test_a_version_carries_the_environment_that_is_given_or_running(workspace, pickled):
    assert Model.register(workspace, pickled, "digits").lock.digest == lock_running().digest
    lock = Lock(kind="recorded", platform="x", python="3.11", packages=())
    assert Model.register(workspace, pickled, "digits", environment=lock).lock == lock
    with pytest.raises(NotFoundError, match="training"):
        Model.register(workspace, pickled, "digits", environment="training")


def test_a_run_registers_its_files_and_the_version_leads_back_to_it(workspace, pickled):
    with Experiment(workspace, "train").start_run(parameters={"c": 1}) as run:
        run.upload_file("outputs/model/model.pkl", pickled)
        run.upload_file("outputs/model/notes.txt", pickled)
        folder = run.register_model("digits", tags={"a": 1}, datasets=[("training data", "mnist:1")])
        file = run.register_model("digits", "outputs/model/model.pkl")
        with pytest.raises(NotFoundError, match=r"outputs/model/model\.pkl"):
            run.register_model("digits", "outputs/none")
    assert (folder.info.entry, folder.info.files) == ("model", 2)
    assert (file.info.entry, file.read()) == ("model.pkl", pickled.read_bytes())
    lineage = folder.lineage()
    assert (lineage.run_id, lineage.experiment, lineage.status) == (run.id, "train", "Completed")
    assert lineage.parameters == {"c": 1}
    assert lineage.environment.digest == lock_running().digest
    assert f"run: {run.id} (train, Completed)" in str(lineage)
    assert "data set (training data): mnist:1" in str(lineage)
    assert Model.list(workspace, run_id=run.id)[0].id == "digits:2"


def test_a_run_that_is_not_there_is_an_error(workspace, pickled):
    with pytest.raises(NotFoundError, match="run"):
        Model.register(workspace, pickled, "digits", run_id="train_99")


def test_a_model_is_found_where_it_lies(workspace, pickled, tmp_path, monkeypatch):
    Model.register(workspace, pickled, "digits").set_alias("champion")
    Model.register(workspace, pickled, "digits")
    path = Model.get_model_path("digits", _workspace=workspace)
    assert path.name == "model.pkl"
    assert path.read_bytes() == pickled.read_bytes()
    assert Model.get_model_path("digits@champion") == path  # the same files, found from the working directory
    with pytest.raises(NotFoundError, match="digits:9"):
        Model.get_model_path("digits", 9, workspace)
    served = tmp_path / "served" / "models" / "digits" / "7"
    served.mkdir(parents=True)
    (served / "model.pkl").touch()
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(served))
    assert Model.get_model_path("digits") == served / "model.pkl"


def test_environments_are_registered_once_and_locked_once(workspace, tmp_path):
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n")
    asked = Environment.from_pip_requirements("training", tmp_path / "requirements.txt")
    first, again = asked.register(workspace), asked.register(workspace)
    assert (first.id, again.id) == ("training:1", "training:1")
    assert Environment("training", EnvironmentSpec.create(["idna"])).register(workspace).version == 2
    assert Environment.get(workspace, "training", version=1).spec == first.spec
    assert workspace.environments["training"].version == 2
    locked = first.lock()
    assert [package.name for package in locked.packages] == ["six"]
    assert first.lock(offline=True) == Environment.get(workspace, "training:1").lock() == locked
    assert (first.realise() / "bin" / "python").exists()


def test_what_is_installed_here_becomes_an_environment(workspace):
    found = Environment.from_existing("here")
    assert "modelyard" in "".join(found.notes)
    assert f"numpy=={np.__version__}" in found.spec.requirements
    assert Environment.from_existing_conda_environment("here").spec == found.spec


def test_a_wheel_of_ones_own_is_there_on_another_machine(workspace, tmp_path):
    Environment("own").with_wheels(make_wheel(tmp_path, "mine", "42")).register(workspace)
    shutil.rmtree(tmp_path / "cache")
    python = Environment.get(workspace, "own").realise() / "bin" / "python"
    done = subprocess.run([python, "-c", "import mine; print(mine.ANSWER)"], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"
