"""Every kind of compute target, with what its jobs need."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.compute.jobs import Jobs

from modelyard.compute.local import LocalCompute
from modelyard.compute.target import Compute


@pytest.fixture(params=["local"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jobs]:
    """Give what runs jobs on each kind of compute target; nothing of them is left."""
    makers: dict[str, Callable[[], Compute]] = {"local": lambda: LocalCompute(grace=0.5, log_limit=10_000)}
    with Jobs(makers[request.param](), tmp_path) as jobs:
        yield jobs
