import math
from pathlib import Path

import pytest

from modelyard import Datastore, Pipeline, PipelineData, PythonScriptStep, Workspace
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.pipelines.errors import InvalidParametersError


def steps(source: Path, **options: object) -> list[PythonScriptStep]:
    data = PipelineData("data")
    first = PythonScriptStep("train.py", "first", [data], outputs=[data], source_directory=source, **options)
    return [PythonScriptStep("train.py", "second", [data], inputs=[data], source_directory=source), first]


def test_a_step_after_one_that_would_run_waits(workspace: Workspace, source: Path) -> None:
    found = Pipeline(workspace, steps(source)).plan("never-made")

    assert [(one.step, one.because, one.detail) for one in found] == [
        ("second", "waits", "first"),
        ("first", "new", ""),
    ]


def test_all_would_run_that_is_made_anew(workspace: Workspace, source: Path) -> None:
    found = Pipeline(workspace, steps(source)).plan("never-made", regenerate_outputs=True)

    assert [one.because for one in found] == ["regenerate", "regenerate"]


def test_a_step_that_is_never_reused_would_run(workspace: Workspace, source: Path) -> None:
    assert Pipeline(workspace, steps(source, allow_reuse=False)).plan("never-made")[1].because == "off"


def test_nothing_is_recorded(workspace: Workspace, source: Path) -> None:
    Pipeline(workspace, steps(source)).plan("never-made")

    assert workspace.experiments == {}


def test_what_cannot_run_is_refused(workspace: Workspace, store: Datastore, source: Path) -> None:
    missing = store.path("not/there").as_mount()
    reads = PythonScriptStep("train.py", "reads", [missing], inputs=[missing], source_directory=source)

    with pytest.raises(NotFoundError, match="not/there"):
        Pipeline(workspace, [reads]).plan("never-made")
    with pytest.raises(InvalidParametersError, match="no parameter 'alpha'"):
        Pipeline(workspace, steps(source)).plan("never-made", pipeline_parameters={"alpha": 1})
    with pytest.raises(InvalidValueError, match="'alpha': nan cannot be written"):
        Pipeline(workspace, steps(source)).plan("never-made", pipeline_parameters={"alpha": math.nan})
    with pytest.raises(NotFoundError, match="elsewhere"):
        Pipeline(workspace, steps(source, compute_target="elsewhere")).plan("never-made")
