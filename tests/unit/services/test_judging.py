"""Verdicts: what is found, what is put down to chance, and how often either is wrong."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.services.judging import judge
from modelyard.services.policy import Policy
from modelyard.services.statistics import Latencies, RevisionStatistics

POLICY = Policy.canary()
FAST = Latencies(counts={0.01: 1000})
NO_TIMES = Latencies()


def _seen(total: int, failed: int = 0, *, wrong: int = 0, latencies: Latencies = FAST) -> RevisionStatistics:
    answers = {"2xx": total - failed - wrong, "4xx": wrong, "5xx": failed}
    return RevisionStatistics(life="1", answers=answers, latencies=latencies)


def _slower(slow: int, total: int, seconds: float = 0.1) -> Latencies:
    return Latencies(counts={0.01: total - slow, seconds: slow})


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        (_seen(5000, 5), _seen(500, 0), "passed"),
        (_seen(5000, 5), _seen(500, 12), "passed"),  # 2.4 %, where 1.1 % may: chance does that
        (_seen(5000, 5), _seen(500, 14), "failed"),
        (_seen(5000, 250), _seen(500, 25), "passed"),  # no worse than the old one, which is no good either
        (_seen(5000, 5), _seen(500, 0, wrong=500), "passed"),
        (_seen(5000, 5), _seen(499, 12), "undecided"),
        (_seen(5000, 5), _seen(0), "undecided"),
        (None, _seen(500, 5), "passed"),
        (None, _seen(500, 12), "failed"),
        (_seen(0), _seen(500, 12), "failed"),
    ],
)
def test_failures_are_judged_beside_the_old_revision(
    old: RevisionStatistics | None, new: RevisionStatistics, outcome: str
) -> None:
    assert judge(old, new, POLICY).outcome == outcome


@pytest.mark.parametrize("old", [None, _seen(0), _seen(3), _seen(5000, 5)])
@pytest.mark.parametrize(("total", "failed", "outcome"), [(2, 2, "undecided"), (3, 3, "failed"), (60, 4, "undecided")])
def test_what_is_obvious_needs_few_answers_and_more_than_an_accident(
    old: RevisionStatistics | None, total: int, failed: int, outcome: str
) -> None:
    assert judge(old, _seen(total, failed), POLICY).outcome == outcome


def test_a_few_good_answers_of_the_old_revision_do_not_show_that_it_never_fails() -> None:
    assert judge(_seen(20), _seen(20, 5), POLICY).outcome == "undecided"
    assert judge(_seen(5000), _seen(20, 5), POLICY).outcome == "failed"


def test_a_reason_has_the_numbers_and_evidence_has_them_all() -> None:
    verdict = judge(_seen(5000, 50), _seen(500, 100), POLICY)

    assert verdict.reason == "100 of 500 answers failed; 2.02% may, and chance explains no more than 19"
    failed = verdict.evidence["failed"]
    assert (failed["count"], failed["of"], failed["before"], failed["beside"]) == (100, 500, 50, 5000)
    assert msgspec.json.decode(msgspec.json.encode(verdict.evidence)) == verdict.evidence


@pytest.mark.parametrize(
    ("new", "outcome"),
    [
        (_slower(11, 500), "passed"),
        (_slower(15, 500), "failed"),
        (_slower(500, 500, seconds=0.025), "passed"),  # twice the old p99 and 5 ms
        (_slower(19, 50), "undecided"),
        (_slower(50, 50), "failed"),
    ],
)
def test_slow_answers_are_judged_beside_the_old_p99(new: Latencies, outcome: str) -> None:
    verdict = judge(_seen(5000), _seen(new.total, latencies=new), POLICY)

    assert verdict.outcome == outcome
    assert verdict.evidence["slow"]["limit"] == 0.025


def test_times_are_not_judged_where_the_old_ones_are_too_few_to_have_a_p99() -> None:
    old = _seen(499, latencies=_slower(0, 499))

    assert judge(old, _seen(500, latencies=_slower(500, 500)), POLICY).outcome == "passed"


@pytest.mark.parametrize(
    ("new", "different", "outcome"),
    [
        (_seen(500), 0, "passed"),
        (_seen(500), 11, "passed"),
        (_seen(500), 12, "failed"),
        (_seen(500, 50), 0, "failed"),
        (_seen(3), 3, "failed"),
        (_seen(400), 2, "undecided"),
    ],
)
def test_answers_to_copies_are_to_be_those_of_the_old_revision(
    new: RevisionStatistics, different: int, outcome: str
) -> None:
    verdict = judge(_seen(new.total), new, POLICY, different=different)

    assert verdict.outcome == outcome
    assert verdict.evidence["different"]["count"] == different


def test_a_policy_can_have_a_model_answer_otherwise() -> None:
    retrained = msgspec.structs.replace(POLICY, differing=1.0)

    assert judge(_seen(500), _seen(500), retrained, different=500).outcome == "passed"


def test_a_policy_can_allow_nothing() -> None:
    strict = msgspec.structs.replace(POLICY, error_share=0.0)

    assert judge(None, _seen(500, 1), strict).outcome == "failed"
    assert judge(None, _seen(500, 0), strict).outcome == "passed"


COUNTS = st.tuples(st.integers(1, 5000), st.floats(0, 1)).map(lambda made: (made[0], int(made[0] * made[1])))
LATENCIES = st.dictionaries(st.floats(0.001, 60), st.integers(1, 2000), max_size=8).map(lambda c: Latencies(counts=c))


@given(COUNTS, LATENCIES)
def test_a_revision_is_never_worse_than_one_with_the_same_counts(counts: tuple[int, int], times: Latencies) -> None:
    same = _seen(*counts, latencies=times)

    assert judge(same, same, POLICY).outcome != "failed"


@given(COUNTS, COUNTS)
def test_one_failure_more_never_helps(old: tuple[int, int], new: tuple[int, int]) -> None:
    total, failed = new
    outcomes = [judge(_seen(*old), _seen(total, f), POLICY).outcome for f in (failed, min(failed + 1, total))]

    assert outcomes != ["failed", "passed"]
    assert outcomes != ["failed", "undecided"]


@given(COUNTS, COUNTS, LATENCIES, LATENCIES)
def test_evidence_is_plain_json(old: Any, new: Any, before: Latencies, now: Latencies) -> None:
    evidence = judge(_seen(*old, latencies=before), _seen(*new, latencies=now), POLICY).evidence

    assert msgspec.json.decode(msgspec.json.encode(evidence)) == evidence
    assert all(math.isfinite(number) for number in evidence["failed"].values())


def _is_returned(rng: np.random.Generator, old_share: float, new_share: float, *, looks: int = 5) -> bool:
    """Play a canary: stages that end with the fewest answers that they may, looked at every so often."""
    beside: RevisionStatistics | None = None
    step = POLICY.samples // looks
    for stage in POLICY.stages:
        others = step * (100 - stage.weight) // stage.weight
        new = rng.binomial(step, new_share, looks).cumsum().tolist()
        old = rng.binomial(others, old_share, looks).cumsum().tolist()
        for look in range(looks):
            beside = _seen(others * (look + 1), old[look], latencies=NO_TIMES) if others else beside
            if judge(beside, _seen(step * (look + 1), new[look], latencies=NO_TIMES), POLICY).outcome == "failed":
                return True
    return False


def test_of_revisions_as_good_as_the_old_one_fewer_than_one_in_a_hundred_go_back() -> None:
    rng = np.random.default_rng(5)

    assert sum(_is_returned(rng, 0.05, 0.05) for _ in range(2000)) < 20


def test_of_revisions_that_fail_one_in_twenty_more_than_99_of_a_hundred_go_back() -> None:
    rng = np.random.default_rng(5)

    assert sum(_is_returned(rng, 0.001, 0.05) for _ in range(2000)) > 1980
