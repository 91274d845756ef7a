"""Contestants take turns, and one who fails does not end the others' part."""

from pathlib import Path
from types import SimpleNamespace

from tests.bench.figure import OURS, Figure
from tests.bench.ground import Sizes, make_ground
from tests.bench.serving.form import WrongAnswerError
from tests.bench.turns import measure

_RATE = Figure(name="rate", title="rate", unit="/s", more=True)


def test_one_who_fails_is_left_out_and_named(tmp_path: Path) -> None:
    def wrong(_: Path) -> dict[str, float]:
        raise WrongAnswerError("It answered 2.")

    part = SimpleNamespace(FIGURES=(_RATE,), contestants=lambda _: {"peer": wrong, OURS: lambda _: {"rate": 1.0}})

    results, left_out = measure(make_ground(tmp_path, None, Sizes()), "serving", part, 2)

    assert [one.samples for one in results] == [{OURS: [1.0, 1.0]}]
    assert left_out == {"peer, serving": "It answered 2."}


def test_another_begins_each_round(tmp_path: Path) -> None:
    order = []

    def attempt(name: str):
        return lambda _: {"rate": float(order.append(name) is None)}

    part = SimpleNamespace(FIGURES=(_RATE,), contestants=lambda _: {name: attempt(name) for name in "ab"})

    measure(make_ground(tmp_path, None, Sizes()), "part", part, 2)

    assert order == ["a", "b", "b", "a"]
