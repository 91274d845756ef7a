import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from modelyard.environments.lock import Lock, Recording
from modelyard.errors import NotFoundError
from modelyard.pipelines.graph import FromDataset, FromDatastore, FromOutput, Output, Retries, Reuse, Step, Value
from modelyard.pipelines.key import Key, content, key_of, origin, used_parameters

A, B = "a" * 64, "b" * 64
STEP = Step(
    name="train",
    kind="script",
    script="train.py",
    command=("--data", "${{inputs.data}}", "--alpha", "${{parameters.alpha}}", "a b"),
    code=A,
    environment=B,
    variables={"X": "1", "Y": "${{ parameters.beta }}"},
    inputs={"data": FromDatastore(datastore="workspaceblobstore", path="data")},
    outputs={"model": Output(is_directory=True)},
)


@dataclass
class Given:
    step: Step = STEP
    parameters: dict[str, Value] = field(default_factory=lambda: {"alpha": 20, "beta": "x", "unused": 1})
    inputs: dict[str, str] = field(default_factory=lambda: {"data": content(A, "rows.csv")})
    compute: str = "local"

    def key(self) -> Key:
        return key_of(self.step, parameters=self.parameters, inputs=self.inputs, compute=self.compute)


def test_leaves_have_names_that_people_understand() -> None:
    leaves = Given().key().leaves

    assert leaves["script"] == "train.py"
    assert leaves["command/5"] == "a b"
    assert leaves["parameters/alpha"] == 20
    assert leaves["inputs/data"] == f"{A}/rows.csv"
    assert leaves["outputs/model"] == "folder"
    assert "parameters/unused" not in leaves
    assert leaves["variables/X"] != "1", "a variable may be a secret, and keys are shown"


@pytest.mark.parametrize(
    "change",
    [
        {"script": "train2.py"},
        {"script": None},
        {"command": STEP.command[:-1]},
        {"command": (*STEP.command[:-1], "a", "b")},
        {"command": (*STEP.command, "")},
        {"code": B},
        {"counted": B},
        {"environment": A},
        {"variables": {"X": "2", "Y": "${{ parameters.beta }}"}},
        {"variables": {"X": "1", "Z": "${{ parameters.beta }}"}},
        {"outputs": {"model": Output(is_directory=False)}},
        {"outputs": {"model": Output(is_directory=True, datastore="other")}},
        {"outputs": {"other": Output(is_directory=True)}},
        {"inputs": {"data": FromDatastore(datastore="workspaceblobstore", path="data", path_on_compute="/data")}},
    ],
    ids=str,
)
def test_what_decides_the_result_changes_the_key(change: dict[str, Any]) -> None:
    assert Given(step=structs.replace(STEP, **change)).key().digest != Given().key().digest


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"after": ("prepare",)},
        {"retries": Retries(count=3)},
        {"reuse": Reuse(by="never")},
        {"timeout": 5.0},
        {"cpu": 2.0, "memory": 10},
        {"compute": "elsewhere"},  # what counts is the class of the compute, which is given beside the step
        {"inputs": {"data": FromDatastore(datastore="other", path="moved", mode="download")}},
        {"code": B, "counted": A},
    ],
    ids=str,
)
def test_what_does_not_leaves_it_the_same(change: dict[str, Any]) -> None:
    assert Given(step=structs.replace(STEP, **change)).key().digest == Given().key().digest


@pytest.mark.parametrize(
    "values", [(1, "1"), (1, True), (1, 1.0), (0.0, -0.0), ("", " "), (0, False), (2**70, 2**70 + 1)]
)
def test_a_parameter_is_told_apart_by_its_type_and_value(values: tuple[Value, Value]) -> None:
    one, other = (Given(parameters={"alpha": value, "beta": ""}).key() for value in values)

    assert one.digest != other.digest


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.one_of(texts, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
words = st.lists(texts, max_size=5).map(tuple)


@given(words, words)
def test_commands_have_the_same_key_only_if_they_are_the_same(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    keys = [Given(step=structs.replace(STEP, command=words, variables={})).key().digest for words in (one, other)]

    assert (keys[0] == keys[1]) == (one == other)


@given(st.dictionaries(texts, values, max_size=5), st.randoms())
def test_the_order_of_leaves_does_not_count(leaves: dict[str, Value], random: Any) -> None:
    shuffled = list(leaves.items())
    random.shuffle(shuffled)

    assert Key(leaves=dict(shuffled)).digest == Key(leaves=leaves).digest


@given(st.dictionaries(texts, values, min_size=1, max_size=5), st.data())
def test_each_character_of_a_leaf_counts(leaves: dict[str, Value], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(leaves)))
    value = data.draw(values)
    same = type(value) is type(leaves[name]) and repr(value) == repr(leaves[name])

    assert (Key(leaves=leaves | {name: value}).digest == Key(leaves=leaves).digest) == same
    assert Key(leaves={k: v for k, v in leaves.items() if k != name}).digest != Key(leaves=leaves).digest


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_key_is_the_same_on_every_machine_and_at_every_time(seed: str) -> None:
    code = (
        "from modelyard.pipelines.graph import Step\nfrom modelyard.pipelines.key import key_of\n"
        "step = Step(name='a', command=('é', '1'), variables={'Y': '2', 'X': '1'}, environment='e')\n"
        "print(key_of(step, parameters={}, inputs={}, compute='local').digest)"
    )
    # the folder, the language and the time zone are others
    variables = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": ["C", "tr_TR.UTF-8"][int(seed)], "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, cwd="/", capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "567246ee397ffadc2e20d27ef47d1aadd4a715022a00db9e18446b29b89bb0a1"


def test_reuse_by_definition_looks_at_where_inputs_come_from() -> None:
    keys = {"prepare": A}

    assert origin(FromDatastore(datastore="store", path="a/b"), keys) == "datastore store/a/b"
    assert origin(FromDataset(dataset="churn", version=3), keys) == "dataset churn:3"
    assert origin(FromOutput(step="prepare", output="rows"), keys) == f"step {A} output rows/"


def test_what_is_installed_counts_for_a_step_without_an_environment() -> None:
    step = structs.replace(STEP, environment="", inputs={}, command=(), variables={})
    keys = {key_of(step, parameters={}, inputs={}, compute="local", installed=one).digest for one in (A, B, "")}

    assert len(keys) == 3


def test_what_is_not_given_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="parameter 'alpha'"):
        Given(parameters={"alpho": 1}).key()
    with pytest.raises(NotFoundError, match="input 'data'"):
        Given(inputs={}).key()
    assert used_parameters(STEP) == ("alpha", "beta")


def test_locks_that_install_the_same_are_the_same_bytes() -> None:
    lock = Lock(kind="resolved", platform="linux-x86_64", python="3.11", packages=())
    told = structs.replace(lock, spec="s", resolver="uv", recording=Recording(interpreter="CPython", machine="x86_64"))

    assert told.bare.to_json() == lock.to_json()
