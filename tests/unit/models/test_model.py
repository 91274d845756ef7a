"""What a model version is, and what its labels may be."""

import datetime as dt

import msgspec
import pytest

from modelyard.errors import InvalidValueError
from modelyard.models.lineage import Lineage, LockedEnvironment
from modelyard.models.model import DatasetUse, ModelUse, ModelVersion, check_pairs
from modelyard.models.signature import Field, Signature

VERSION = ModelVersion(
    name="digits",
    version=3,
    tree="0" * 64,
    entry="model.onnx",
    files=1,
    size=9,
    datasets=(DatasetUse(purpose="training", dataset="mnist:1"),),
    signature=Signature(inputs=(Field(name="x", type="float32", shape=(None, 4)),)),
    created=dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
)


def test_a_version_is_called_name_and_number():
    assert VERSION.id == "digits:3"


def test_a_version_is_the_same_after_json():
    assert msgspec.json.decode(msgspec.json.encode(VERSION), type=ModelVersion) == VERSION


def test_a_use_says_what_it_is():
    assert str(ModelUse(kind="service", user="digits/1")) == "service digits/1"


def test_labels_that_can_be_kept_are_returned():
    pairs = {"area": "", "größe": "a=b\nc", "x" * 250: "y" * 10_000}
    assert check_pairs("tag", pairs) is pairs


@pytest.mark.parametrize(
    "pairs", [{"": "x"}, {"a=b": "x"}, {"a\n": "x"}, {"x" * 251: ""}, {"a": "\0"}, {"a": "x" * 10_001}]
)
def test_labels_that_cannot_be_kept_are_refused(pairs):
    with pytest.raises(InvalidValueError, match="tag"):
        check_pairs("tag", pairs)


def test_a_lineage_says_what_is_known_and_no_more():
    assert str(Lineage(model="digits:3")) == ""
    lineage = Lineage(
        model="digits:3",
        run_id="train_1",
        experiment="train",
        status="Completed",
        snapshot="1" * 64,
        git={"commit": "abc", "branch": "main", "remote": None},
        environment=LockedEnvironment(
            blob="2" * 64, digest="3" * 64, kind="recorded", python="3.11", platform="x86_64", packages=7
        ),
        inputs={"images": "4" * 64},
        datasets=(DatasetUse(purpose="training", dataset="mnist:1"),),
        derived_from="digits:2",
    )
    assert str(lineage).splitlines() == [
        "converted from: digits:2",
        "run: train_1 (train, Completed)",
        f"source: tree {'1' * 64}",
        "git: commit abc, branch main",
        f"environment: 7 packages, Python 3.11, x86_64, recorded {'3' * 64}",
        f"input images: {'4' * 64}",
        "data set (training): mnist:1",
    ]


def test_a_run_of_another_workspace_is_said_to_be_unknown():
    assert str(Lineage(model="digits:3", run_id="train_1")) == "run: train_1 (not recorded in this workspace)"
