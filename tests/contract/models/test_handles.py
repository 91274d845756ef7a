"""The model and the environment that a user holds, in every way that a workspace can be reached."""

import pytest

from modelyard import Experiment
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import InUseError, InvalidNameError
from modelyard.sdk.environment import Environment
from modelyard.sdk.model.model import Model


@pytest.fixture
def net(tmp_path, monkeypatch):
    """Lay out a folder with two files, and have a cache of this test alone."""
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net" / "inner").mkdir(parents=True)
    (tmp_path / "net" / "weights").write_bytes(b"1" * 100_000)
    (tmp_path / "net" / "inner" / "labels").write_bytes(b"2")
    return tmp_path / "net"


def test_a_folder_is_registered_found_downloaded_and_deleted(workspace, net, tmp_path):
    model = Model.register(workspace, net, "digits", tags={"a": 1}, sample=([[1.0, 2.0]], [3]))
    assert Model.get(workspace, "digits").info == model.info
    assert Model.list(workspace, tags={"a": 1})[0].sample.answer == {"output": [3]}
    target = model.download(tmp_path / "out")
    assert (target / "weights").read_bytes() == (net / "weights").read_bytes()
    assert model.read("net/inner/labels") == b"2"
    assert (model.local_path() / "inner" / "labels").read_bytes() == b"2"
    model.set_alias("champion", why="only one")
    assert (model.aliases, model.alias_history()[0].why) == (("champion",), "only one")
    with pytest.raises(InUseError, match="champion"):
        model.delete()
    assert model.lock.package("msgspec") is not None
    assert model.lineage().environment.digest == model.lock.digest


def test_a_run_registers_what_it_kept(workspace, net):
    with Experiment(workspace, "train").start_run() as run:
        run.upload_folder("outputs/model", net)
        model = run.register_model("digits")
    assert (model.info.entry, model.info.files, model.run_id) == ("model", 2, run.id)
    assert model.read("model/inner/labels") == b"2"
    assert model.lineage().experiment == "train"


@pytest.mark.parametrize("name", ["..", "a/b", "../../x", "", "a\0b"])
def test_a_bad_name_is_refused_alike(workspace, net, name):
    with pytest.raises(InvalidNameError):
        Model.register(workspace, net, name)
    with pytest.raises(InvalidNameError):
        Environment(name)


def test_an_environment_is_registered_and_found(workspace):
    made = Environment("training", EnvironmentSpec.create(["six"])).register(workspace)
    assert made.id == Environment.get(workspace, "training").id == "training:1"
    assert workspace.environments["training"].spec == made.spec
