"""The environment that a run in place is recorded with."""

import importlib.metadata
from pathlib import Path

from modelyard import Experiment, Workspace
from modelyard.environments.lock import Lock
from modelyard.sdk.run.comparison import compare


def test_a_run_in_place_records_the_packages_it_had(tmp_path: Path) -> None:
    with Workspace.create("runs", path=tmp_path) as workspace:
        with (
            Experiment(workspace, "digits").start_run() as first,
            Experiment(workspace, "digits").start_run() as second,
        ):
            pass

        lock = Lock.from_json(workspace.backend.blobs.read(first.info.digests["environment"]))
        numpy = lock.package("numpy")
        assert numpy is not None
        assert numpy.version == importlib.metadata.version("numpy")
        found = compare(first, second).environment
        assert found is not None
        assert not found.changed
