"""Make runs, each with three metrics and two parameters."""

import random

import place
import stopwatch

from modelyard import Experiment

given = stopwatch.given()
chance = random.Random(7)
with place.workspace(given["where"]) as workspace:
    experiment = Experiment(workspace, "many")
    for number in range(given["runs"]):
        with experiment.start_run(f"run {number}", parameters={"alpha": number / 10, "kind": "lasso"}) as run:
            run.log_many({"loss": chance.random(), "accuracy": chance.random(), "recall": chance.random()})
stopwatch.tell()
