"""Contestants take turns, round after round; a peer that fails drops out."""

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from types import ModuleType

from tests.bench.figure import Result, results
from tests.bench.ground import Attempt, Ground
from tests.bench.serving.contender import LeftOutError
from tests.bench.serving.form import WrongAnswerError
from tests.bench.side import ProgramError

from modelyard.errors import ModelyardError

_FAILURES = (
    LeftOutError,
    ProgramError,
    WrongAnswerError,
    OSError,
    subprocess.SubprocessError,
    AssertionError,
    ModelyardError,
)


def measure(ground: Ground, part: str, module: ModuleType, rounds: int) -> tuple[list[Result], dict[str, str]]:
    """Let the contestants take turns, so that whatever else the machine does meets all of them.

    One who fails is left out from then on, and from the figures of this part; why is told beside them.
    """
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    left_out: dict[str, str] = {}
    contestants = list(module.contestants(ground).items())
    for turn in range(min(rounds, getattr(module, "ROUNDS", rounds))):
        first = turn % len(contestants)  # what one leaves in caches and on the disk meets another in every round
        for contestant, attempt in contestants[first:] + contestants[:first]:
            if (place := f"{contestant}, {part}") in left_out:
                continue
            try:
                figures = _turn(ground, attempt)
            except _FAILURES as error:
                left_out[place] = str(error)
                say(f"{place}, is left out: {error}")
                continue
            for figure, value in figures.items():
                samples[figure, contestant].append(value)
            say(f"{contestant}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
    kept = {key: values for key, values in samples.items() if f"{key[1]}, {part}" not in left_out}
    return results(module.FIGURES, kept), left_out


def _turn(ground: Ground, attempt: Attempt) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=ground.folder) as folder:
        return attempt(Path(folder))


def say(text: str) -> None:
    """Tell how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)
