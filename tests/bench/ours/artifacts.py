"""Upload a large file to a run."""

from pathlib import Path

import material
import place
import stopwatch

from modelyard import Experiment

given = stopwatch.given()
source = material.random_file(Path(given["where"]) / "source", given["megabytes"])
with place.workspace(given["where"]) as workspace, Experiment(workspace, "artifacts").start_run() as run:
    took = stopwatch.once(lambda: run.upload_file("outputs/large", source))
    stopwatch.tell(upload=given["megabytes"] / took)
