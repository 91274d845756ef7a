import pytest

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidNameError, InvalidValueError, NotFoundError
from modelyard.tracking.run import ExperimentQuery, NewExperiment, NewRun


def test_an_experiment_is_made_once_and_returned_after(backend: Backend) -> None:
    first = backend.experiments.create(NewExperiment(name="digits", description="numbers"))
    again = backend.experiments.create(NewExperiment(name="digits"))
    assert first == again == backend.experiments.get("digits")
    assert (first.name, first.description, first.last_number) == ("digits", "numbers", 0)


@pytest.mark.parametrize("name", ["", "a/b", "..", "-a", "ä", "a" * 129, "a\n"])
def test_an_experiment_needs_a_name_that_is_one(backend: Backend, name: str) -> None:
    with pytest.raises(InvalidNameError):
        backend.experiments.create(NewExperiment(name=name))


def test_an_unknown_experiment_lists_the_known_nearest_first(backend: Backend) -> None:
    for name in ("digits", "wine"):
        backend.experiments.create(NewExperiment(name=name))
    with pytest.raises(NotFoundError) as raised:
        backend.experiments.get("digit")
    assert raised.value.known[0] == "digits"


def test_a_run_of_an_unknown_experiment_is_refused(backend: Backend) -> None:
    with pytest.raises(NotFoundError):
        backend.runs.create("none", NewRun())


def test_experiments_are_listed_by_name_page_by_page(backend: Backend) -> None:
    for name in ("b", "c", "a"):
        backend.experiments.create(NewExperiment(name=name))
    first = backend.experiments.list(ExperimentQuery(limit=2))
    rest = backend.experiments.list(ExperimentQuery(limit=2, cursor=first.cursor))
    assert [one.name for one in (*first.items, *rest.items)] == ["a", "b", "c"]
    assert rest.cursor is None


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_has_a_size_within_bounds(backend: Backend, limit: int) -> None:
    with pytest.raises(InvalidValueError):
        backend.experiments.list(ExperimentQuery(limit=limit))
