"""Read the hundred runs with the largest loss, their metrics and parameters with them."""

import place
import stopwatch

from modelyard.tracking.run import RunQuery

given = stopwatch.given()
query = RunQuery(experiment="many", order_by="metric:loss", limit=100, metrics=True)
wanted = min(100, given["runs"])
with place.workspace(given["where"]) as workspace:
    found = workspace.backend.runs.list(query).items
    assert len(found) == wanted
    assert found[0].parameters
    stopwatch.tell(list=stopwatch.middle(lambda: workspace.backend.runs.list(query), given["seconds"]))
