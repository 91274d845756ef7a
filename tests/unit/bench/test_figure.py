"""What a figure comes to: medians, ratios, targets."""

import pytest
from tests.bench.figure import OURS, PEER, Figure, Result, Target, results


def _result(*targets: Target, more: bool, **samples: list[float]) -> Result:
    figure = Figure(name="x", title="X", unit="s", more=more, targets=targets)
    named = {"ours": OURS, "peer": PEER}
    return Result(figure=figure, samples={named[name]: values for name, values in samples.items()})


def test_the_median_of_each_contestant_counts() -> None:
    found = _result(more=True, ours=[1, 9, 4], peer=[2, 2, 50])

    assert found.medians == {OURS: 4, PEER: 2}


@pytest.mark.parametrize(("more", "ratio"), [(True, 2), (False, 0.5)])
def test_a_ratio_says_how_many_times_as_good_we_are(more: bool, ratio: float) -> None:
    assert _result(more=more, ours=[8], peer=[4]).ratios == {PEER: ratio}


@pytest.mark.parametrize(
    ("target", "more", "reached"),
    [
        (Target(bound=5), True, True),
        (Target(bound=7), True, False),
        (Target(bound=5), False, False),
        (Target(bound=7), False, True),
        (Target(bound=3, beside=PEER), True, True),
        (Target(bound=4, beside=PEER), True, False),
        (Target(bound=0.3, beside=PEER), False, True),
    ],
)
def test_a_target_is_reached_or_not(target: Target, more: bool, reached: bool) -> None:
    assert _result(target, more=more, ours=[6], peer=[2]).verdicts() == [(target, reached)]


def test_a_target_beside_one_who_took_no_part_is_not_judged() -> None:
    assert _result(Target(bound=3, beside=PEER), more=True, ours=[6]).verdicts() == []


def test_values_are_put_together_by_figure_and_contestant() -> None:
    figures = [Figure(name=name, title=name, unit="s", more=False) for name in ("a", "b", "never measured")]
    samples = {("a", OURS): [1.0], ("a", PEER): [2.0], ("b", OURS): [3.0]}

    assert [one.samples for one in results(figures, samples)] == [{OURS: [1.0], PEER: [2.0]}, {OURS: [3.0]}]
