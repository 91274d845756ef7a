from types import SimpleNamespace
from typing import Any

import pytest

from modelyard.sdk.pipeline import following


class Looks:
    """A run that has ended when it is looked at for the fourth time."""

    id, workspace = "churn_1", "the workspace"

    def __init__(self) -> None:
        self._left = ["Completed", "Running", "Running", "Queued"]

    @property
    def info(self) -> Any:
        return SimpleNamespace(status=self._left.pop())


def test_who_waits_sees_to_a_runner_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(following, "_ASK", 0.0)
    monkeypatch.setattr(following, "ensure_runner", asked.append)

    following.follow(Looks(), show_output=False, raise_on_error=False, timeout=None)

    assert asked == ["the workspace"] * 3
