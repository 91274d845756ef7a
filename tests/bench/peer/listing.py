"""Read the hundred runs with the largest loss, their metrics and parameters with them."""

import stopwatch
from mlflow import MlflowClient

given = stopwatch.given()
client = MlflowClient(given["where"])
experiment = client.get_experiment_by_name("many").experiment_id
query = {"experiment_ids": [experiment], "order_by": ["metrics.loss DESC"], "max_results": 100}
found = client.search_runs(**query)
assert len(found) == min(100, given["runs"])
assert found[0].data.params
stopwatch.tell(list=stopwatch.middle(lambda: client.search_runs(**query), given["seconds"]))
