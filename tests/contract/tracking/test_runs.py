import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidValueError, NotFoundError, StateError
from modelyard.tracking.run import NewExperiment, NewRun, RunChange, RunError, RunInfo, StatusChange

Make = Callable[..., RunInfo]


def test_a_run_keeps_what_it_began_with(backend: Backend, make_run: Make) -> None:
    sha256 = backend.blobs.put(b"source")
    made = make_run(
        display_name="the first",
        type="script",
        status="Queued",
        heartbeat=5.0,
        tags={"kind": "trial"},
        properties={"owner": "me"},
        parameters={"lr": 0.1, "layers": [8, 8]},
        digests={"snapshot": sha256},
        details={"command": ["python", "train.py"]},
    )
    assert made == backend.runs.get(made.id)
    assert (made.id, made.number, made.experiment, made.type, made.status) == ("e_1", 1, "e", "script", "Queued")
    assert made.display_name == "the first"
    assert made.parameters == {"lr": 0.1, "layers": [8, 8]}
    assert made.digests == {"snapshot": sha256}
    assert made.created.tzinfo == dt.UTC
    assert (made.started, made.ended) == (None, None)


def test_numbers_of_an_experiment_count_up_without_a_gap(backend: Backend, make_run: Make) -> None:
    backend.experiments.create(NewExperiment(name="other"))
    assert [make_run().number, backend.runs.create("other", NewRun()).number, make_run().number] == [1, 1, 2]
    with pytest.raises(NotFoundError):
        make_run(parent="none")
    assert make_run().number == 3


def test_threads_that_begin_runs_at_once_get_each_number_once(make_run: Make) -> None:
    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(info.number for info in pool.map(lambda _: make_run(), range(24)))
    assert numbers == list(range(1, 25))


@pytest.mark.parametrize(
    "new",
    [
        {"status": "Completed"},
        {"status": "NotResponding"},
        {"heartbeat": 0.0},
        {"heartbeat": -1.0},
        {"tags": {"": "x"}},
        {"tags": {"a=b": "x"}},
        {"tags": {"a": "x" * 8193}},
        {"properties": {"a\n": "x"}},
        {"parameters": {"p" * 251: 1}},
        {"type": ""},
        {"display_name": "\x00"},
        {"digests": {"snapshot": "nothing"}},
    ],
)
def test_a_run_that_cannot_be_is_refused(make_run: Make, new: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError):
        make_run(**new)


def test_an_unknown_run_lists_the_known_nearest_first(backend: Backend, run: RunInfo) -> None:
    for call in (
        lambda: backend.runs.get("e_11"),
        lambda: backend.runs.beat("e_11"),
        lambda: backend.runs.change("e_11", RunChange(tags={"a": "b"})),
        lambda: backend.runs.change_status("e_11", StatusChange(status="Completed")),
    ):
        with pytest.raises(NotFoundError) as raised:
            call()
        assert raised.value.known == (run.id,)


def test_a_run_goes_forwards_and_its_end_is_final(backend: Backend, make_run: Make) -> None:
    run = make_run(status="NotStarted")
    for status in ("Queued", "Running", "Finalizing", "Completed"):
        run = backend.runs.change_status(run.id, StatusChange(status=status))
        assert run.status == backend.runs.get(run.id).status == status
    assert run.started is not None
    assert run.ended is not None
    for status in ("Running", "Failed", "Canceled", "Completed"):
        with pytest.raises(StateError, match="Completed"):
            backend.runs.change_status(run.id, StatusChange(status=status))
    assert backend.runs.get(run.id) == run


def test_a_run_does_not_go_backwards(backend: Backend, run: RunInfo) -> None:
    with pytest.raises(StateError):
        backend.runs.change_status(run.id, StatusChange(status="Queued"))
    with pytest.raises(StateError):
        backend.runs.change_status(run.id, StatusChange(status="NotResponding"))


def test_a_failed_run_says_why(backend: Backend, run: RunInfo) -> None:
    error = RunError(message="ValueError: no", code="bad-data", traceback="Traceback …")
    backend.runs.change_status(run.id, StatusChange(status="Failed", error=error))
    assert backend.runs.get(run.id).error == error


def test_of_many_who_end_a_run_one_does(backend: Backend, run: RunInfo) -> None:
    def end(status: str) -> bool:
        try:
            backend.runs.change_status(run.id, StatusChange(status=status))  # type: ignore[arg-type]
        except StateError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(end, ["Completed", "Failed", "Canceled"] * 4))
    assert ended.count(True) == 1


def test_tags_change_and_go(backend: Backend, make_run: Make) -> None:
    run = make_run(tags={"a": "1", "b": "2"})
    changed = backend.runs.change(run.id, RunChange(tags={"a": "3", "c": ""}, remove_tags=("b", "none")))
    assert changed.tags == backend.runs.get(run.id).tags == {"a": "3", "c": ""}


@pytest.mark.parametrize("kind", ["properties", "parameters", "digests"])
def test_what_a_run_is_given_is_added_to_and_never_changed(backend: Backend, run: RunInfo, kind: str) -> None:
    one, two = "1", "2"
    if kind == "digests":
        one, two = (backend.blobs.put(text.encode()) for text in (one, two))
    backend.runs.change(run.id, RunChange(**{kind: {"a": one}}))
    backend.runs.change(run.id, RunChange(**{kind: {"a": one, "b": two}}))
    with pytest.raises(StateError):
        backend.runs.change(run.id, RunChange(**{kind: {"a": two, "c": one}}))
    assert getattr(backend.runs.get(run.id), kind) == {"a": one, "b": two}


def test_a_run_gets_another_name_and_details(backend: Backend, make_run: Make) -> None:
    run = make_run(details={"a": 1, "b": 2})
    changed = backend.runs.change(run.id, RunChange(display_name="better", details={"b": [3]}))
    assert (changed.display_name, changed.details) == ("better", {"a": 1, "b": [3]})


def test_threads_that_tag_one_run_lose_nothing(backend: Backend, run: RunInfo) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: backend.runs.change(run.id, RunChange(tags={f"t{i}": str(i)})), range(16)))
    assert backend.runs.get(run.id).tags == {f"t{i}": str(i) for i in range(16)}


def test_a_sign_of_life_tells_what_the_run_is_asked(backend: Backend, make_run: Make) -> None:
    run = make_run(heartbeat=60.0)
    backend.runs.change_status(run.id, StatusChange(status="CancelRequested"))
    assert backend.runs.beat(run.id).status == "CancelRequested"
