"""Published pipelines, called over HTTP at a real server, whose runner runs them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.server_process import ServerProcess

from modelyard import (
    Experiment,
    Pipeline,
    PipelineEndpoint,
    PipelineParameter,
    PipelineRun,
    PublishedPipeline,
    PythonScriptStep,
    Workspace,
)
from modelyard.store.creation import create_store

SCRIPT = "import sys; print('got', sys.argv[1])\n"
BODY = {"ExperimentName": "My_Pipeline", "ParameterAssignments": {"pipeline_arg": 20}}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Connect to a server with a runner; both end with the tests."""
    root = tmp_path_factory.mktemp("served") / ".modelyard"
    create_store(root, "served", {}, exist_ok=False)
    with ServerProcess(root) as server, Workspace.connect(server.url, server.token) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def pipeline(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Write a pipeline with one parameter."""
    source: Path = tmp_path_factory.mktemp("source")
    (source / "step.py").write_text(SCRIPT)
    argument = PipelineParameter(name="pipeline_arg", default_value=10)
    return Pipeline(workspace, [PythonScriptStep("step.py", "print", [argument], source_directory=source)])


@pytest.fixture(scope="module")
def published(pipeline: Pipeline) -> PublishedPipeline:
    """Publish it."""
    return pipeline.publish(name="My_New_Pipeline", description="My Published Pipeline Description")


def header(workspace: Workspace, token: str | None = None) -> dict[str, str]:
    """Give the header of a request."""
    assert workspace.settings.token is not None
    return {"Authorization": f"Bearer {token or workspace.settings.token.reveal()}"}


def printed(workspace: Workspace, run: str) -> str:
    """Wait for a run, and give what its step has printed."""
    found = PipelineRun.get(workspace, run)
    found.wait_for_completion(show_output=False, timeout_seconds=300)
    return found.find_step_run("print")[0].get_stdout_log().strip()


def test_a_call_as_the_guide_makes_it_runs_the_pipeline(workspace: Workspace, published: PublishedPipeline) -> None:
    response = httpx.post(published.endpoint, headers=header(workspace), json=BODY | {"RunSource": "cron"})

    assert response.status_code == 200
    run = response.json()["Id"]
    assert printed(workspace, run) == "got 20"
    details = PipelineRun.get(workspace, run).info.details
    assert (details["run_source"], details["by"]) == ("cron", "first-owner")


def test_a_call_is_for_those_who_may_change_something(workspace: Workspace, published: PublishedPipeline) -> None:
    made = httpx.post(
        f"{workspace.location}/api/v1/tokens", headers=header(workspace), json={"name": "looks", "role": "reader"}
    )
    reader = header(workspace, made.json()["secret"])

    assert httpx.post(published.endpoint, json=BODY).status_code == 401
    assert httpx.post(published.endpoint, headers=reader, json=BODY).status_code == 403


def test_a_call_that_is_sent_again_with_its_key_runs_once(workspace: Workspace, published: PublishedPipeline) -> None:
    headers = header(workspace) | {"Idempotency-Key": "nightly-2026-05-01"}
    body = BODY | {"ExperimentName": "nightly"}

    ids = {httpx.post(published.endpoint, headers=headers, json=body).json()["Id"] for _ in range(3)}

    assert ids == {"nightly_1"}
    assert len(list(Experiment(workspace, "nightly").get_runs())) == 1


def test_what_is_wrong_with_parameters_is_listed_with_what_it_takes(
    workspace: Workspace, published: PublishedPipeline
) -> None:
    body = {"ExperimentName": "refused", "ParameterAssignments": {"pipeline_arg": "20", "other": 1}}

    response = httpx.post(published.endpoint, headers=header(workspace), json=body)

    assert response.status_code == 400
    assert response.json()["facts"]["known"] == {"pipeline_arg": "int"}
    assert len(response.json()["facts"]["wrong"]) == 2
    assert "refused" not in workspace.experiments


def test_a_field_that_there_is_not_is_refused(workspace: Workspace, published: PublishedPipeline) -> None:
    body = {"ExperimentName": "refused", "ParameterAssigments": {"pipeline_arg": 20}}

    response = httpx.post(published.endpoint, headers=header(workspace), json=body)

    assert response.status_code == 422
    assert "ParameterAssigments" in response.json()["text"]


def test_a_disabled_pipeline_is_not_called(workspace: Workspace, pipeline: Pipeline) -> None:
    published = pipeline.publish("off")
    published.disable()

    assert httpx.post(published.endpoint, headers=header(workspace), json=BODY).status_code == 409


def test_an_endpoint_is_called_at_one_url_whatever_its_default(workspace: Workspace, pipeline: Pipeline) -> None:
    ran = pipeline.submit(Experiment(workspace, "first"), pipeline_parameters={"pipeline_arg": 5})
    endpoint = PipelineEndpoint.publish(workspace, "calls", "Calls the newest", pipeline)
    endpoint.add_default(ran.publish_pipeline("of a run", "As it ran", "2"))

    response = httpx.post(endpoint.endpoint, headers=header(workspace), json={"ExperimentName": "second"})

    assert printed(workspace, response.json()["Id"]) == "got 5"
    assert printed(workspace, endpoint.submit("second", pipeline_version="0").id) == "got 10"


def test_a_published_pipeline_is_submitted_as_any_other(workspace: Workspace, published: PublishedPipeline) -> None:
    run = Experiment(workspace, "third").submit(
        published, tags={"kind": "nightly"}, pipeline_parameters={"pipeline_arg": 7}, regenerate_outputs=True
    )

    assert (run.id, run.info.tags) == ("third_1", {"kind": "nightly"})
    assert printed(workspace, published.submit(workspace, "third").id) == "got 10"
