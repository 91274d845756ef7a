"""SIGKILL at any moment loses nothing that was promised, and leaves nothing half made."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.scoring.crowd import FULL
from tests.integration.store.history import History, faults

from modelyard.backend.embedded import open_embedded
from modelyard.store.creation import create_store

ROOT = Path(__file__).resolve().parents[3]
KILLS = 300 if FULL else 100
EVERY = 50
"""Kills between two looks at the workspace; each look holds it against all that was promised."""


@pytest.mark.parametrize("half", ["first", "second"])
def test_nothing_promised_is_lost_and_nothing_is_half_made(tmp_path: Path, half: str) -> None:
    root, history, kills = tmp_path / ".modelyard", tmp_path / "history", 0
    create_store(root, "kills", {}, exist_ok=False)
    chance = random.Random(half)
    while kills < KILLS // 2:
        _kill_some(root, history, kills, chance)
        kills += EVERY
        backend = open_embedded(root)
        assert faults(root, backend, History(history.read_text())) == []
        backend.close()

    assert len(History(history.read_text()).promised) > 10 * kills  # the kills fell among work


def test_the_checker_sees_a_promise_that_is_not_kept(tmp_path: Path) -> None:
    root = tmp_path / ".modelyard"
    create_store(root, "kills", {}, exist_ok=False)
    history = tmp_path / "history"
    found: list[str] = []
    for seed in range(0, EVERY * 5, EVERY):
        _kill_some(root, history, seed, random.Random(seed), "early")
        backend = open_embedded(root)
        found = faults(root, backend, History(history.read_text()))
        backend.close()
        if found:
            break

    assert [fault for fault in found if "stands 0 times" in fault or "not in the store" in fault]


def _kill_some(root: Path, history: Path, seed: int, chance: random.Random, *more: str) -> None:
    """Run clients one after another, each killed at a random moment of its work."""
    command = [sys.executable, "-m", "tests.integration.store.forks", str(root), str(history), str(seed), str(EVERY)]
    subprocess.run([*command, str(chance.random()), *more], cwd=ROOT, timeout=300, check=True)
