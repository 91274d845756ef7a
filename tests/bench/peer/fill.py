"""Make runs, each with three metrics and two parameters."""

import random

import mlflow
import stopwatch

given = stopwatch.given()
chance = random.Random(7)
mlflow.set_tracking_uri(given["where"])
mlflow.set_experiment("many")
for number in range(given["runs"]):
    with mlflow.start_run(run_name=f"run {number}"):
        mlflow.log_params({"alpha": number / 10, "kind": "lasso"})
        mlflow.log_metrics({"loss": chance.random(), "accuracy": chance.random(), "recall": chance.random()})
stopwatch.tell()
