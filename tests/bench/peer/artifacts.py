"""Upload a large file to a run."""

from pathlib import Path

import material
import mlflow
import stopwatch

given = stopwatch.given()
folder = Path(given["folder"])
source = material.random_file(folder / "source", given["megabytes"])
mlflow.set_tracking_uri(given["where"])
mlflow.create_experiment("artifacts", artifact_location=(folder / "artifacts").as_uri())
mlflow.set_experiment("artifacts")
with mlflow.start_run():
    took = stopwatch.once(lambda: mlflow.log_artifact(str(source)))
    stopwatch.tell(upload=given["megabytes"] / took)
