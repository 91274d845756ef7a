"""Jobs of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.compute.jobs import Jobs

from modelyard.compute.local import LocalCompute


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Give what runs jobs as processes of this machine; nothing of them is left."""
    with Jobs(LocalCompute(grace=0.5, log_limit=10_000), tmp_path) as jobs:
        yield jobs
