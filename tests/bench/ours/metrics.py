"""Log metrics one by one, and a thousand in one call."""

import itertools

import place
import stopwatch

from modelyard import Experiment

given = stopwatch.given()
steps = itertools.count()
thousand = {f"metric {number}": number / 7 for number in range(1000)}
with place.workspace(given["where"]) as workspace, Experiment(workspace, "metrics").start_run() as run:
    stopwatch.tell(
        log=stopwatch.rate(lambda: run.log("loss", 0.5, step=next(steps)), given["seconds"]),
        log_many=stopwatch.middle(lambda: run.log_many(thousand, step=next(steps)), given["seconds"]),
    )
