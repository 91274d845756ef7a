"""What a pipeline costs beyond what its steps do: the first run, a run that is all reused, submission, keys, code."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground

from modelyard.pipelines.checks import problems_of
from modelyard.pipelines.key import content, key_of
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.pipeline import Pipeline
from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.sdk.pipeline.step import CommandStep, PythonScriptStep
from modelyard.sdk.runner import attendance
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings
from modelyard.tracking.snapshot import take_snapshot

BARE = "bare Python"
FIGURES = (
    Figure(
        name="pipeline-step",
        title="a step that does nothing, of 20 in a row, first run",
        unit="ms",
        more=False,
        targets=(Target(bound=0.4, beside=BARE),),
    ),
    Figure(
        name="pipeline-cached",
        title="100 steps in a row, all reused, until the run has ended",
        unit="s",
        more=False,
        targets=(Target(bound=0.2),),
    ),
    Figure(
        name="pipeline-submit",
        title="submission of these, until it returns",
        unit="s",
        more=False,
        targets=(Target(bound=0.3),),
    ),
    Figure(
        name="pipeline-cold",
        title="the same, with a runner to be started",
        unit="s",
        more=False,
        targets=(Target(bound=0.3),),
    ),
    Figure(
        name="pipeline-keys",
        title="1,000 steps in a row: checked, and a key for each",
        unit="s",
        more=False,
        targets=(Target(bound=1),),
    ),
    Figure(
        name="pipeline-code",
        title="a source folder of 20,000 files of 2 kB, kept before: hashed",
        unit="MB/s",
        more=True,
        targets=(Target(bound=0.8, beside=BARE),),
    ),
    Figure(name="pipeline-code-first", title="the same, kept for the first time", unit="MB/s", more=True),
    Figure(
        name="pipeline-busy",
        title="slots in use while 200 steps of a quarter of a second wait for them",
        unit="%",
        more=True,
        targets=(Target(bound=95),),
    ),
)
_KB = 2


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; Python alone starts a process for each step, and hashes each file."""
    return {OURS: partial(_ours, ground), BARE: partial(_bare, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    settings = Settings(home=folder / "home", cache=folder / "cache")
    code = _code(ground, folder)
    (folder / "source").mkdir()
    (folder / "source" / "step.py").write_text("pass\n")
    with Workspace.create("bench", path=folder, settings=settings) as workspace:
        looking = attendance(workspace)
        assert looking is not None
        found = {"pipeline-cold": _seconds(lambda: _submit(workspace, _chain(workspace, folder, 1)))}
        try:
            _ended(_submit(workspace, _chain(workspace, folder, 1)))
            run = _ended(_submit(workspace, _chain(workspace, folder, 20)))
            found["pipeline-step"] = 1000 * _took(run) / 20
            hundred = _chain(workspace, folder, 100)
            _ended(_submit(workspace, hundred))
            found["pipeline-submit"] = _seconds(lambda: _submit(workspace, hundred))
            found["pipeline-cached"] = _took(_ended(_submit(workspace, hundred)))
            found["pipeline-busy"] = _busy(_ended(_submit(workspace, _wide(workspace, ground))))
        finally:
            looking.stop()
        found["pipeline-keys"] = _seconds(lambda: _keys(_chain(workspace, folder, 1000)))
        for name in ("pipeline-code-first", "pipeline-code"):
            found[name] = _rate(code, lambda: take_snapshot(code, workspace.backend.blobs))
    return found


def _bare(ground: Ground, folder: Path) -> dict[str, float]:
    code = _code(ground, folder)
    step = folder / "step.py"
    step.write_text("pass\n")
    start = _seconds(lambda: [subprocess.run([sys.executable, str(step)], check=True) for _ in range(20)])

    def hashed() -> None:
        for file in sorted(code.rglob("*")):
            if file.is_file():
                hashlib.sha256(file.read_bytes()).hexdigest()

    return {"pipeline-step": 1000 * start / 20, "pipeline-code": _rate(code, hashed)}


def _chain(workspace: Workspace, folder: Path, count: int) -> Pipeline:
    """Make steps in a row."""
    steps: list[PythonScriptStep] = []
    for number in range(count):
        step = PythonScriptStep(
            "step.py", f"{count} {number}", arguments=[str(count), str(number)], source_directory=folder / "source"
        )
        if steps:
            step.run_after(steps[-1])
        steps.append(step)
    return Pipeline(workspace, steps)


def _wide(workspace: Workspace, ground: Ground) -> Pipeline:
    count = max(4, 200 if ground.sizes.megabytes > 1 else 0)
    return Pipeline(workspace, [CommandStep(f"wide {number}", ["sleep", "0.25"]) for number in range(count)])


def _keys(pipeline: Pipeline) -> None:
    graph = compiled(pipeline)
    assert not problems_of(graph)
    for step in graph.steps:
        given = {name: content("0" * 64) for name in step.inputs}
        assert key_of(step, parameters={}, inputs=given, compute="local").digest


def _submit(workspace: Workspace, pipeline: Pipeline) -> PipelineRun:
    run: PipelineRun = Experiment(workspace, "bench").submit(pipeline)
    return run


def _ended(run: PipelineRun) -> PipelineRun:
    run.wait_for_completion(show_output=False)
    return run


def _took(run: PipelineRun) -> float:
    info = run.info
    assert info.ended is not None
    return (info.ended - info.created).total_seconds()


def _busy(run: PipelineRun) -> float:
    steps = run.step_infos()
    begun = [step.started for step in steps if step.started is not None]
    over = [step.ended for step in steps if step.ended is not None]
    slots = run.workspace.compute_targets["local"].status.current_node_count
    return 100 * (sum(over) - sum(begun)) / (slots * (max(over) - min(begun)))


def _code(ground: Ground, folder: Path) -> Path:
    """Write files, no two alike, in folders of a hundred."""
    code = folder / "code"
    for number in range(100 * ground.sizes.megabytes):
        file = code / str(number // 100) / f"{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"{number}".encode().ljust(_KB << 10, b"\n"))
    return code


def _rate(folder: Path, call: Callable[[], object]) -> float:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return size / 1e6 / _seconds(call)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
