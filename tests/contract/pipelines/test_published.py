"""Published pipelines and endpoints, over every backend."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from modelyard.backend.backend import Backend
from modelyard.errors import (
    AlreadyExistsError,
    InvalidNameError,
    InvalidParametersError,
    InvalidPipelineError,
    InvalidValueError,
    MissingBlobError,
    NotFoundError,
    StateError,
)
from modelyard.paging import every
from modelyard.pipelines.graph import Graph, Parameter, Step
from modelyard.pipelines.published import (
    EndpointChange,
    EndpointQuery,
    NewEndpointVersion,
    NewPipelineEndpoint,
    NewPublishedPipeline,
    PipelineCall,
    PublishedChange,
    PublishedPipelineInfo,
    PublishedQuery,
    PublishedStatus,
)
from modelyard.pipelines.run import Options, StepQuery
from modelyard.store.garbage import CollectGarbage
from modelyard.store.tree import Entry, Tree
from modelyard.tracking.run import ExperimentQuery

NOT_ACTIVE: tuple[PublishedStatus, ...] = ("Disabled", "Archived")


@pytest.fixture
def tree(backend: Backend) -> str:
    """Keep a tree of code."""
    entry = Entry(path="train.py", sha256=backend.blobs.put(b"print()"), size=7)
    return backend.trees.create(Tree.of([entry])).digest


def _graph(tree: str) -> Graph:
    words = ("train.py", "${{parameters.alpha}}", "${{parameters.rate}}")
    parameters = {"alpha": Parameter(default=1), "rate": Parameter(default=0.5)}
    return Graph(steps=(Step(name="train", script="train.py", command=words, code=tree),), parameters=parameters)


@pytest.fixture
def published(backend: Backend, tree: str) -> PublishedPipelineInfo:
    """Publish a pipeline with two parameters."""
    return _publish(backend, tree, options=Options(python="/usr/bin/python3", parameters={"rate": 0.25}))


def _publish(backend: Backend, tree: str, name: str = "My Pipeline", **new: Any) -> PublishedPipelineInfo:
    return backend.published_pipelines.publish(NewPublishedPipeline(name=name, graph=_graph(tree), **new))


def _call(**parameters: Any) -> PipelineCall:
    return PipelineCall(experiment_name="My_Pipeline", parameter_assignments=parameters)


def test_what_is_published_is_read_back(backend: Backend, published: PublishedPipelineInfo) -> None:
    assert backend.published_pipelines.get(published.id) == published
    assert published.parameters == {"alpha": 1, "rate": 0.25}
    assert published.status == "Active"


def test_a_call_makes_a_run_with_what_it_says_and_what_was_published(
    backend: Backend, published: PublishedPipelineInfo
) -> None:
    called = backend.published_pipelines.submit(published.id, _call(alpha=20))

    run = backend.pipelines.get(called.id)
    assert (called.id, called.status) == ("My_Pipeline_1", "Queued")
    assert run.run.parameters == {"alpha": 20, "rate": 0.25}
    assert (run.graph, run.options.python) == (published.graph, "/usr/bin/python3")
    assert run.run.details["published_pipeline"] == published.id
    assert [step.name for step in backend.pipelines.steps(called.id, StepQuery()).items] == ["train"]


def test_a_call_may_go_on_after_a_step_that_failed(backend: Backend, published: PublishedPipelineInfo) -> None:
    call = PipelineCall(experiment_name="x", continue_run_on_step_failure=True, regenerate_outputs=True)

    options = backend.pipelines.get(backend.published_pipelines.submit(published.id, call).id).options

    assert (options.continue_on_failure, options.regenerate) == (True, True)


WRONG = {
    "there is no parameter 'beta'": {"beta": 1},
    "'alpha' takes a value of the type int, not '20'": {"alpha": "20"},
    "not True": {"alpha": True},
    r"not \[1\]": {"rate": [1]},
    "not None": {"rate": None},
}


def test_parameters_that_it_does_not_take_are_refused_with_what_it_takes(
    backend: Backend, published: PublishedPipelineInfo
) -> None:
    for said, given in WRONG.items():
        with pytest.raises(InvalidParametersError, match=said) as refused:
            backend.published_pipelines.submit(published.id, _call(**given))
        assert refused.value.known == {"alpha": "int", "rate": "float"}

    assert backend.experiments.list(ExperimentQuery()).items == ()


def test_all_that_is_wrong_with_parameters_is_said_at_once(backend: Backend, published: PublishedPipelineInfo) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        backend.published_pipelines.submit(published.id, _call(beta=1, alpha="x"))

    assert len(refused.value.wrong) == 2


def test_an_experiment_that_cannot_be_is_refused(backend: Backend, published: PublishedPipelineInfo) -> None:
    with pytest.raises(InvalidNameError):
        backend.published_pipelines.submit(published.id, PipelineCall(experiment_name="../x"))


def test_what_is_not_active_cannot_be_called_until_it_is_enabled(
    backend: Backend, published: PublishedPipelineInfo
) -> None:
    for status in NOT_ACTIVE:
        backend.published_pipelines.change(published.id, PublishedChange(status=status))
        with pytest.raises(StateError, match="enable it first"):
            backend.published_pipelines.submit(published.id, _call())

    backend.published_pipelines.change(published.id, PublishedChange(status="Active"))

    assert backend.published_pipelines.submit(published.id, _call()).id == "My_Pipeline_1"


def test_archived_ones_are_listed_only_if_asked_for(backend: Backend, tree: str) -> None:
    ids = [_publish(backend, tree, name).id for name in ("a", "b", "a")]
    backend.published_pipelines.change(ids[0], PublishedChange(status="Archived"))

    def listed(**query: Any) -> list[str]:
        return [one.id for one in every(backend.published_pipelines.list, PublishedQuery(limit=1, **query))]

    assert listed() == [ids[2], ids[1]]
    assert listed(name="a") == [ids[2]]
    assert listed(status=("Archived",)) == [ids[0]]
    assert listed(status=("Active", "Archived"), name="a") == [ids[2], ids[0]]


def test_a_graph_that_cannot_run_is_not_published(backend: Backend) -> None:
    step = Step(name="train", script="train.py", command=("train.py",))
    with pytest.raises(InvalidPipelineError, match="no code"):
        backend.published_pipelines.publish(NewPublishedPipeline(name="a", graph=Graph(steps=(step,))))


def test_what_a_graph_names_must_be_kept(backend: Backend) -> None:
    with pytest.raises(MissingBlobError):
        _publish(backend, "0" * 64)

    assert backend.published_pipelines.list(PublishedQuery()).items == ()


def test_options_that_the_pipeline_does_not_take_are_not_published(backend: Backend, tree: str) -> None:
    with pytest.raises(InvalidParametersError):
        _publish(backend, tree, options=Options(parameters={"beta": 1}))


def test_a_name_that_cannot_be_is_refused(backend: Backend, tree: str) -> None:
    for name in ("", "x" * 251, "a\nb"):
        with pytest.raises(InvalidValueError):
            _publish(backend, tree, name)


def test_garbage_collection_keeps_what_is_published(
    backend: Backend, tree: str, published: PublishedPipelineInfo
) -> None:
    backend.published_pipelines.change(published.id, PublishedChange(status="Archived"))
    loose = backend.blobs.put(b"loose")

    collected = backend.garbage.collect(CollectGarbage(older_than=-1.0))

    files = [entry.sha256 for entry in backend.trees.get(tree).entries]
    assert collected.blobs == 1
    assert backend.blobs.missing([loose, published.graph, tree, *files]) == {loose}


@pytest.fixture
def endpoint(backend: Backend, published: PublishedPipelineInfo) -> str:
    """Make an endpoint of the published pipeline."""
    return backend.pipeline_endpoints.create(NewPipelineEndpoint(name="digits", pipeline=published.id)).name


def test_an_endpoint_calls_its_default_version(
    backend: Backend, tree: str, published: PublishedPipelineInfo, endpoint: str
) -> None:
    second = _publish(backend, tree).id
    info = backend.pipeline_endpoints.add(endpoint, NewEndpointVersion(pipeline=second))
    assert [one.version for one in info.versions] == ["0", "1"]
    assert info.default_version == "0"

    backend.pipeline_endpoints.change(endpoint, EndpointChange(default_version="1"))
    ids = [
        backend.pipeline_endpoints.submit(endpoint, _call(alpha=3)).id,
        backend.pipeline_endpoints.submit_version(endpoint, "0", _call()).id,
    ]

    of = [backend.pipelines.get(one).run.details["published_pipeline"] for one in ids]
    assert of == [second, published.id]


def test_versions_that_are_added_at_once_are_counted_without_a_gap(
    backend: Backend, published: PublishedPipelineInfo, endpoint: str
) -> None:
    new = NewEndpointVersion(pipeline=published.id, default=True)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: backend.pipeline_endpoints.add(endpoint, new), range(8)))

    info = backend.pipeline_endpoints.get(endpoint)
    assert [one.version for one in info.versions] == [str(number) for number in range(9)]
    assert info.default_version == "8"


def test_a_version_that_is_not_there_is_said(backend: Backend, endpoint: str) -> None:
    for version in ("1", "00", "\u0660"):
        with pytest.raises(NotFoundError, match="There are: 0"):
            backend.pipeline_endpoints.submit_version(endpoint, version, _call())
        with pytest.raises(NotFoundError, match="There are: 0"):
            backend.pipeline_endpoints.change(endpoint, EndpointChange(default_version=version))


def test_an_endpoint_that_is_not_active_calls_nothing(backend: Backend, endpoint: str) -> None:
    for status in NOT_ACTIVE:
        backend.pipeline_endpoints.change(endpoint, EndpointChange(status=status))
        with pytest.raises(StateError, match="enable it first"):
            backend.pipeline_endpoints.submit(endpoint, _call())
        with pytest.raises(StateError, match="enable it first"):
            backend.pipeline_endpoints.submit_version(endpoint, "0", _call())


def test_an_endpoint_does_not_call_a_version_that_is_disabled(
    backend: Backend, published: PublishedPipelineInfo, endpoint: str
) -> None:
    backend.published_pipelines.change(published.id, PublishedChange(status="Disabled"))

    with pytest.raises(StateError, match="published pipeline"):
        backend.pipeline_endpoints.submit(endpoint, _call())


def test_the_name_of_an_endpoint_is_taken_once(
    backend: Backend, published: PublishedPipelineInfo, endpoint: str
) -> None:
    with pytest.raises(AlreadyExistsError):
        backend.pipeline_endpoints.create(NewPipelineEndpoint(name=endpoint, pipeline=published.id))


def test_an_endpoint_of_nothing_is_not_made(backend: Backend) -> None:
    with pytest.raises(NotFoundError, match="published pipeline"):
        backend.pipeline_endpoints.create(NewPipelineEndpoint(name="digits", pipeline="nothing"))

    assert backend.pipeline_endpoints.list(EndpointQuery()).items == ()


def test_endpoints_are_listed_by_name_without_archived_ones(
    backend: Backend, published: PublishedPipelineInfo, endpoint: str
) -> None:
    for name in ("b", "a"):
        backend.pipeline_endpoints.create(NewPipelineEndpoint(name=name, pipeline=published.id))
    backend.pipeline_endpoints.change("b", EndpointChange(status="Archived"))

    assert [one.name for one in every(backend.pipeline_endpoints.list, EndpointQuery(limit=1))] == ["a", "digits"]
