"""Models that become ONNX models: in a run, and from what was registered."""

import sys
from pathlib import Path

import joblib
import onnxruntime
import pytest

from modelyard import Experiment
from modelyard.models.errors import EstimatorNotReadError, UntrustedPickleError
from modelyard.onnx.certificate import Tolerance
from modelyard.onnx.errors import ConversionRefusedError, UnsupportedSampleError
from modelyard.sdk.model.model import Model


def answers(model, rows):
    """Ask an ONNX model for the labels of rows."""
    session = onnxruntime.InferenceSession(model.read(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: rows.astype("float32")})[0].tolist()


def test_a_run_saves_a_model_with_its_proof(workspace, estimator, rows, capsys):
    with Experiment(workspace, "train").start_run() as run:
        model = run.save_model(estimator, sample=rows, register_as="digits", tags={"a": 1}, description="small")
    assert "parity accepted" in capsys.readouterr().out
    assert run.get_file_names() == [
        f"outputs/model/{name}" for name in ("certificate.json", "model.onnx", "sample.json", "signature.json")
    ]
    assert (model.id, model.info.entry, model.info.framework, model.run_id) == (
        "digits:1",
        "model.onnx",
        "onnx",
        run.id,
    )
    assert (model.tags, model.description) == ({"a": "1"}, "small")
    assert model.certificate.verdict == "accepted"
    assert model.sample.answer["label"] == estimator.predict(rows[:5]).tolist()
    assert [field.name for field in model.signature.outputs] == ["label", "probabilities"]
    assert answers(model, rows) == estimator.predict(rows).tolist()


def test_what_a_run_saved_is_registered_later_with_its_proof(workspace, estimator, rows, capsys):
    with Experiment(workspace, "train").start_run() as run:
        assert run.save_model(estimator, sample=rows, show_output=False) is None
    assert capsys.readouterr().out == ""
    model = run.register_model("digits")
    assert model.certificate.verdict == "accepted"
    assert model.info.entry == "model.onnx"


def test_a_refused_conversion_leaves_nothing(workspace, estimator, rows):
    with Experiment(workspace, "train").start_run() as run:
        with pytest.raises(ConversionRefusedError, match="accept=True"):
            run.save_model(estimator, sample=rows, register_as="digits", tolerance=Tolerance(difference=0.0))
        assert run.get_file_names() == []
        forced = run.save_model(
            estimator, sample=rows, register_as="digits", tolerance=Tolerance(difference=0.0), accept=True
        )
    assert (forced.version, forced.certificate.verdict) == (1, "forced")


def test_a_registered_pickle_is_converted_when_it_is_trusted(workspace, pickled, estimator, rows):
    source = Model.register(workspace, pickled, "digits", {"a": 1}, description="small")
    with pytest.raises(UntrustedPickleError, match="trust=True"):
        source.to_onnx(rows)
    made = source.to_onnx(rows, trust=True)
    assert (made.id, made.properties, made.tags) == ("digits:2", {"derived_from": "digits:1"}, {"a": "1"})
    assert made.lineage().derived_from == "digits:1"
    assert made.certificate.verdict == "accepted"
    assert answers(made, rows) == estimator.predict(rows).tolist()


def test_reasons_come_back_from_the_process(workspace, pickled, rows):
    source = Model.register(workspace, pickled, "digits")
    with pytest.raises(ConversionRefusedError, match="LogisticRegression") as raised:
        source.to_onnx(rows, trust=True, tolerance=Tolerance(difference=0.0))
    assert raised.value.certificate.attempts
    with pytest.raises(UnsupportedSampleError, match="sample"):
        source.to_onnx(rows[:, :2], trust=True)
    assert [model.id for model in Model.list(workspace)] == ["digits:1"]


class Bomb:
    """An estimator whose pickle writes a file when it is read."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def test_no_code_of_a_pickle_runs_unless_it_is_trusted(workspace, tmp_path, rows):
    joblib.dump(Bomb(tmp_path / "fired"), tmp_path / "model.pkl")
    source = Model.register(workspace, tmp_path / "model.pkl", "digits")
    with pytest.raises(UntrustedPickleError):
        source.to_onnx(rows)
    source.download(tmp_path / "out")
    assert not (tmp_path / "fired").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no pickle", "Error"),
        (b"c__main__\nMissing\n.", "module that can be imported"),
        (b"cos\n_exit\n(I3\ntR.", "ended with 3"),
    ],
)
def test_what_cannot_be_read_is_told(workspace, tmp_path, rows, content, reason):
    (tmp_path / "model.pkl").write_bytes(content)
    source = Model.register(workspace, tmp_path / "model.pkl", "digits")
    with pytest.raises(EstimatorNotReadError, match=reason):
        source.to_onnx(rows, trust=True)


def test_classes_of_modules_that_are_importable_here_are_found(workspace, tmp_path, estimator, rows, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from sklearn.linear_model import LogisticRegression\nclass Mine(LogisticRegression):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from mine import Mine

    joblib.dump(Mine().fit(rows, estimator.predict(rows)), tmp_path / "model.pkl")
    del sys.modules["mine"]
    source = Model.register(workspace, tmp_path / "model.pkl", "digits")
    with pytest.raises(Exception, match="Mine") as raised:
        source.to_onnx(rows, trust=True)
    assert not isinstance(raised.value, EstimatorNotReadError)  # it was read; no converter knows it


def test_a_folder_needs_one_pickle(workspace, tmp_path, pickled, rows):
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("a.pkl", "b.pkl"):
        (folder / name).write_bytes(pickled.read_bytes())
    with pytest.raises(EstimatorNotReadError, match=r"two/a\.pkl"):
        Model.register(workspace, folder, "digits").to_onnx(rows, trust=True)
    (folder / "b.pkl").rename(folder / "b.txt")
    assert Model.register(workspace, folder, "digits").to_onnx(rows, trust=True).version == 3
