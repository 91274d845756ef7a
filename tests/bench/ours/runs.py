"""Start and end runs."""

import place
import stopwatch

from modelyard import Experiment

given = stopwatch.given()
with place.workspace(given["where"]) as workspace:
    experiment = Experiment(workspace, "runs")

    def one() -> None:
        with experiment.start_run():
            pass

    stopwatch.tell(run=stopwatch.rate(one, given["seconds"]))
