"""Jobs of this machine."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.compute.jobs import Jobs

from modelyard.compute.local import LocalCompute


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Give what runs jobs as processes of this machine; nothing of them is left."""
    jobs = Jobs(LocalCompute(grace=0.5, log_limit=10_000), tmp_path)
    yield jobs
    for place in jobs.places:
        jobs.compute.end(place)
        assert jobs.ended(place).state != "running"


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Give what waits until something holds; it fails after a minute."""

    def until(holds: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(6000):
            if holds():
                return
            pause.wait(0.01)
        pytest.fail("it did not happen within a minute")

    return until
