"""Log metrics one by one, and a thousand in one call."""

import itertools

import mlflow
import stopwatch

given = stopwatch.given()
steps = itertools.count()
thousand = {f"metric {number}": number / 7 for number in range(1000)}
mlflow.set_tracking_uri(given["where"])
mlflow.set_experiment("metrics")
with mlflow.start_run():
    stopwatch.tell(
        log=stopwatch.rate(lambda: mlflow.log_metric("loss", 0.5, step=next(steps)), given["seconds"]),
        log_many=stopwatch.middle(lambda: mlflow.log_metrics(thousand, step=next(steps)), given["seconds"]),
    )
