"""A pipeline whose submission is sent again runs once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
from tests.contract.conftest import Served

from modelyard.pipelines.advance import PipelineDueQuery
from modelyard.pipelines.graph import Graph, Step
from modelyard.pipelines.progress import PipelineProgress
from modelyard.pipelines.run import NewPipelineRun
from modelyard.tracking.experiments import Experiments
from modelyard.tracking.run import NewExperiment, RunQuery
from modelyard.tracking.runs import Runs


def test_a_submission_that_is_sent_a_hundred_times_at_once_makes_one_run(served: Served) -> None:
    Experiments(served.store).create(NewExperiment(name="flows"))
    new = NewPipelineRun(experiment="flows", graph=Graph(steps=(Step(name="only", command=("true",)),)))
    headers = {"authorization": f"Bearer {served.tokens['contributor']}", "idempotency-key": "once"}
    body = msgspec.to_builtins(new)

    def send(_: int) -> tuple[int, bytes]:
        answer = httpx.post(f"{served.url}/api/v1/pipeline-runs", json=body, headers=headers, timeout=60)
        return answer.status_code, answer.content

    with ThreadPoolExecutor(20) as pool:
        ((status, answer),) = set(pool.map(send, range(100)))

    (run,) = Runs(served.store).list(RunQuery()).items
    assert (status, msgspec.json.decode(answer)["run"]["id"]) == (200, run.id)
    assert PipelineProgress(served.store).due(PipelineDueQuery(machine="here")).runs == (run.id,)
