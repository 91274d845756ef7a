from collections.abc import Callable
from typing import Any

import pytest

from modelyard.backend.backend import Backend
from modelyard.tracking.run import NewExperiment, NewRun, RunInfo


@pytest.fixture
def make_run(backend: Backend) -> Callable[..., RunInfo]:
    """Give what makes a run of the experiment ``e``."""
    backend.experiments.create(NewExperiment(name="e"))

    def make(**new: Any) -> RunInfo:
        return backend.runs.create("e", NewRun(**{"status": "Running", **new}))

    return make


@pytest.fixture
def run(make_run: Callable[..., RunInfo]) -> RunInfo:
    """Give a run that goes."""
    return make_run()
