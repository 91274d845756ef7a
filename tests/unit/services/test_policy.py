"""Policies: the ready-made ones, and what is refused where a policy is made."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import InvalidValueError
from modelyard.services.policy import Policy, Stage

MADE = [Policy.all_at_once(), Policy.blue_green(), Policy.canary(), Policy.mirror(), Policy.by_hand()]


@pytest.mark.parametrize("policy", MADE, ids=lambda policy: policy.kind)
def test_a_ready_made_policy_survives_the_wire(policy: Policy) -> None:
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy


def test_a_canary_goes_by_its_steps_to_everything() -> None:
    stages = Policy.canary((5, 25), soak=30).stages

    assert [(stage.weight, stage.soak) for stage in stages] == [(5, 30), (25, 30), (100, 30)]
    assert Policy.canary((5, 25, 100), soak=30).stages == stages


def test_a_mirror_answers_nobody_before_it_answers_all() -> None:
    assert [(stage.weight, stage.mirror) for stage in Policy.mirror(percent=20).stages] == [(0, 20), (100, 0)]


def test_by_hand_nothing_goes_on_by_itself() -> None:
    assert Policy.by_hand().manual
    assert not any(policy.manual for policy in MADE if policy.kind != "manual")


def test_all_at_once_waits_for_nothing() -> None:
    policy = Policy.all_at_once()

    assert (policy.stages, policy.patience, policy.standby) == ((Stage(weight=100),), 0, 0)


@given(st.lists(st.integers(0, 100), max_size=5))
def test_weights_never_fall_and_end_at_everything(weights: list[int]) -> None:
    stages = tuple(Stage(weight=weight) for weight in weights)

    if weights == sorted(weights) and 100 in weights:
        assert Policy(kind="canary", stages=stages).stages == stages
    else:
        with pytest.raises(InvalidValueError, match="The stages have the weights"):
            Policy(kind="canary", stages=stages)


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": -1},
        {"weight": 101},
        {"weight": 0, "mirror": 100.1},
        {"weight": 0, "mirror": math.nan},
        {"weight": 10, "mirror": 5},
        {"weight": 10, "soak": -1},
        {"weight": 10, "soak": math.inf},
    ],
)
def test_a_stage_is_refused_where_it_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match=list(wrong)[-1]):
        Stage(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": 0},
        {"error_share": -0.01},
        {"error_share": 1.01},
        {"error_share": math.nan},
        {"slower": 0.9},
        {"slower": math.inf},
        {"slower": math.nan},
        {"differing": 2},
        {"patience": -1},
        {"patience": math.nan},
        {"standby": math.inf},
        {"gate": " "},
    ],
)
def test_a_policy_is_refused_where_it_is_changed(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(wrong))):
        msgspec.structs.replace(Policy.canary(), **wrong)


@pytest.mark.parametrize("text", [b'{"kind":"canary","stages":[]}', b'{"kind":"canary","stages":[{"weight":101}]}'])
def test_what_comes_over_the_wire_is_checked_too(text: bytes) -> None:
    with pytest.raises(InvalidValueError):
        msgspec.json.decode(text, type=Policy)
