from pathlib import Path

import pytest

from modelyard import (
    Experiment,
    Pipeline,
    PipelineEndpoint,
    PipelineParameter,
    PublishedPipeline,
    PythonScriptStep,
    Workspace,
)
from modelyard.errors import InvalidValueError, NotFoundError, NotServedError, StateError
from modelyard.pipelines.errors import InvalidParametersError, InvalidPipelineError


@pytest.fixture
def pipeline(workspace: Workspace, source: Path) -> Pipeline:
    step = PythonScriptStep("train.py", "train", [PipelineParameter("alpha", 1)], source_directory=source)
    return Pipeline(workspace, [step], "trains")


@pytest.fixture
def published(pipeline: Pipeline) -> PublishedPipeline:
    return pipeline.publish(name="My_New_Pipeline", description="My Published Pipeline Description", version="1.0")


def test_a_published_pipeline_says_what_it_is(workspace: Workspace, published: PublishedPipeline) -> None:
    found = PublishedPipeline.get(workspace, published.id)

    assert (found.name, found.version, found.status) == ("My_New_Pipeline", "1.0", "Active")
    assert (found.description, found.parameters) == ("My Published Pipeline Description", {"alpha": 1})
    assert not found.continue_on_step_failure


def test_code_is_kept_as_it_was_when_it_was_published(workspace: Workspace, pipeline: Pipeline, source: Path) -> None:
    published = pipeline.publish("a", continue_on_step_failure=True)
    (source / "train.py").write_text("changed")

    (step,) = PublishedPipeline.get(workspace, published.id).get_graph().steps
    (entry,) = [one for one in workspace.backend.trees.get(step.code).entries if one.path == "train.py"]
    assert workspace.backend.blobs.read(entry.sha256) == b"import helper\n"
    assert (published.description, published.continue_on_step_failure) == ("trains", True)


def test_a_pipeline_that_cannot_run_is_not_published(workspace: Workspace, source: Path) -> None:
    broken = Pipeline(workspace, [PythonScriptStep("missing.py", "train", source_directory=source)])

    with pytest.raises(InvalidPipelineError, match=r"missing\.py"):
        broken.publish("a")


def test_the_endpoint_of_a_workspace_that_is_not_served_says_how_to_serve_it(
    workspace: Workspace, published: PublishedPipeline
) -> None:
    with pytest.raises(NotServedError, match=r"modelyard server start --workspace (?s:.*)Workspace\.connect"):
        _ = published.endpoint
    with pytest.raises(NotServedError, match="'unserved'"):
        _ = PipelineEndpoint.publish(workspace, "unserved", "", published).endpoint


def test_the_list_has_what_can_be_called(workspace: Workspace, pipeline: Pipeline) -> None:
    for name, change in (("active", "enable"), ("disabled", "disable"), ("archived", "archive")):
        getattr(pipeline.publish(name), change)()

    def names(**how: bool) -> set[str]:
        return {one.name for one in PublishedPipeline.list(workspace, **how)}

    assert {"active", "disabled", "archived"} & names() == {"active"}
    assert names(active_only=False) > {"active", "disabled", "archived"}


def test_a_call_that_is_refused_runs_nothing(workspace: Workspace, published: PublishedPipeline) -> None:
    endpoint = PipelineEndpoint.publish(workspace, "refusing", "", published)
    experiment = Experiment(workspace, "refused")
    with pytest.raises(InvalidParametersError, match="alpha"):
        published.submit(workspace, "refused", {"beta": 2})
    for called in (published, endpoint):
        with pytest.raises(InvalidParametersError, match="alpha"):
            experiment.submit(called, pipeline_parameters={"beta": 2})

    assert list(experiment.get_runs()) == []


def test_enabled_again_it_can_be_called_again(workspace: Workspace, published: PublishedPipeline) -> None:
    published.disable()
    with pytest.raises(StateError, match="disabled"):
        published.submit(workspace, "refused")

    published.enable()

    assert PublishedPipeline.get(workspace, published.id).status == "Active"


def test_an_endpoint_has_versions_of_which_one_is_the_default(
    workspace: Workspace, pipeline: Pipeline, published: PublishedPipeline
) -> None:
    endpoint = PipelineEndpoint.publish(workspace=workspace, name="churn", pipeline=published, description="Calls it")
    endpoint.add(pipeline)
    endpoint.add_default(pipeline)
    assert endpoint.get_default_version() == "2"

    endpoint.set_default(published)

    found = PipelineEndpoint.get(workspace, name="churn")
    assert [one.version for one in found.list_versions()] == ["0", "1", "2"]
    assert found.list_versions()[1].pipeline.name == "churn"
    assert (found.default_version, found.get_pipeline().id) == ("0", published.id)
    assert (found.id, found.description, found.status) == ("churn", "Calls it", "Active")


def test_a_version_that_is_not_there_is_said(
    workspace: Workspace, pipeline: Pipeline, published: PublishedPipeline
) -> None:
    endpoint = PipelineEndpoint.publish(workspace, "few", "", published)
    with pytest.raises(NotFoundError, match="There are: 0"):
        endpoint.get_pipeline("1")
    with pytest.raises(NotFoundError, match="There are: 0"):
        endpoint.set_default(pipeline.publish("other"))
    with pytest.raises(NotFoundError, match="There are: 0"):
        endpoint.submit("refused", pipeline_version="1")


def test_endpoints_that_cannot_be_called_are_listed_only_if_asked_for(
    workspace: Workspace, published: PublishedPipeline
) -> None:
    for name, change in (("off", "disable"), ("gone", "archive"), ("back", "enable")):
        getattr(PipelineEndpoint.publish(workspace, name, "", published), change)()

    found = {one.name for one in PipelineEndpoint.list(workspace)}
    assert {"off", "gone", "back"} & found == {"back"}
    assert {one.name for one in PipelineEndpoint.list(workspace, active_only=False)} >= {"off", "gone", "back"}


def test_an_endpoint_is_made_of_a_pipeline(workspace: Workspace) -> None:
    with pytest.raises(InvalidValueError, match="give a Pipeline or a PublishedPipeline, not str"):
        PipelineEndpoint.publish(workspace, "text", "", "pipeline")
