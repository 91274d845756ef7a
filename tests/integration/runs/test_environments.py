"""Scripts in environments of their own, made from the real index."""

import os
from collections.abc import Callable
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from modelyard import Environment, Experiment, ScriptRunConfig, Workspace
from modelyard.environments.errors import ResolveError
from modelyard.environments.folder_lock import held
from modelyard.environments.lock import Lock
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import RunFailedError
from modelyard.sdk.run.logs import ENVIRONMENT, STANDARD
from modelyard.tracking.run import RunQuery

Source = Callable[..., Path]
Until = Callable[[Callable[[], bool]], None]

WHERE = """
import importlib.util, os, six, sys
print(six.__version__, importlib.util.find_spec("msgspec"), os.environ["GREETING"])
print(sys.prefix == os.environ["VIRTUAL_ENV"])
"""


@pytest.fixture(scope="session")
def small() -> EnvironmentSpec:
    return EnvironmentSpec.create(["six==1.17.0"], variables={"GREETING": "hi"})


def test_a_script_runs_in_its_locked_environment(
    experiment: Experiment, source: Source, small: EnvironmentSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/somewhere", "/else"]))

    run = experiment.submit(ScriptRunConfig(source(WHERE), "train.py", environment=small))
    run.wait_for_completion()

    logs = run.get_logs()
    assert logs[STANDARD] == "1.17.0 None hi\nTrue\n"
    assert "virtual environment" in logs[ENVIRONMENT]
    lock = Lock.from_json(run.backend.blobs.read(run.info.digests["environment"]))
    assert (lock.kind, [package.name for package in lock.packages]) == ("resolved", ["six"])
    assert ENVIRONMENT in run.get_file_names()


def test_an_environment_is_named(embedded: Workspace, source: Source, small: EnvironmentSpec) -> None:
    kept = Environment("small", small).register(embedded)
    lock = kept.lock()
    experiment = Experiment(embedded, "digits")

    for environment in ("small", "small:1", kept, lock):
        run = experiment.submit(ScriptRunConfig(source(WHERE), "train.py", environment=environment))
        run.wait_for_completion()
        assert run.info.details["environment"]["digest"] == lock.digest


def test_a_script_finds_the_toolkit_where_the_environment_has_what_it_needs(
    embedded: Workspace, source: Source
) -> None:
    needed = [Requirement(text) for text in requires("modelyard") or ()]
    spec = EnvironmentSpec.create([str(one) for one in needed if one.marker is None])
    folder = source("import modelyard\nmodelyard.Run.get_context().log('one', 1)\nprint(modelyard.__file__)")

    run = Experiment(embedded, "digits").submit(ScriptRunConfig(folder, "train.py", environment=spec))
    run.wait_for_completion()

    assert run.get_metrics() == {"one": 1}
    assert "/toolkit/modelyard/" in run.get_logs()[STANDARD]


def test_a_script_that_misses_the_toolkit_is_told_to_add_it(
    embedded: Workspace, source: Source, small: EnvironmentSpec
) -> None:
    config = ScriptRunConfig(source("import modelyard"), "train.py", environment=small)

    run = Experiment(embedded, "digits").submit(config)

    with pytest.raises(RunFailedError, match="no module 'modelyard': add the package to the environment"):
        run.wait_for_completion()


def test_what_cannot_be_resolved_records_no_run(embedded: Workspace, source: Source) -> None:
    spec = EnvironmentSpec.create(["six==99.0"])

    with pytest.raises(ResolveError):
        Experiment(embedded, "digits").submit(ScriptRunConfig(source(), "train.py", environment=spec))

    assert embedded.backend.runs.list(RunQuery()).items == ()
    assert not Path(embedded.location, "blobs").exists()


def test_a_run_is_canceled_while_its_environment_is_made(
    embedded: Workspace,
    source: Source,
    small: EnvironmentSpec,
    cache: Path,
    until: Callable[[Callable[[], bool]], None],
) -> None:
    lock = Resolver().lock(small)
    config = ScriptRunConfig(source(WHERE), "train.py", environment=lock)
    with held(cache / "environments" / ".locks" / lock.digest, shared=False, timeout=60):
        run = Experiment(embedded, "digits").submit(config)
        until(lambda: run.status == "Preparing")

        run.cancel()

        assert run.wait_for_completion(raise_on_error=False)["status"] == "Canceled"
