"""Start and end runs."""

import mlflow
import stopwatch

given = stopwatch.given()
mlflow.set_tracking_uri(given["where"])
mlflow.set_experiment("runs")


def one() -> None:
    with mlflow.start_run():
        pass


stopwatch.tell(run=stopwatch.rate(one, given["seconds"]))
