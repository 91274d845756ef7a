"""What a script does until its first metric is kept."""

import stopwatch

from modelyard import Experiment, Workspace

given = stopwatch.given()
where = given["where"]
workspace = Workspace.create("bench", path=where) if given["fresh"] else Workspace.from_config(where)
run = Experiment(workspace, "bench").start_logging()
run.log("loss", 0.5)
stopwatch.tell()
run.complete()
