"""A pipeline of six steps that fans out and in; each writes a line into one file when it runs: its effect."""

from collections import Counter
from pathlib import Path
from typing import Any

from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline.data import PipelineData
from modelyard.sdk.pipeline.parameter import PipelineParameter
from modelyard.sdk.pipeline.pipeline import Pipeline
from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.sdk.pipeline.step import PythonScriptStep
from modelyard.sdk.workspace import Workspace

NAMES = ("first", "left", "middle", "right", "join", "last")
_STEP = """
import os, sys
from helper import SIGN
name, written, *read = sys.argv[1:]
effects = os.open(os.environ["EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(effects, f"{name}\\n".encode())
text = "".join(open(one).read() for one in read if os.path.exists(one))
if name in os.environ.get("FAILING", "").split() and not os.path.exists(os.environ["EFFECTS"] + ".mended"):
    sys.exit(f"{name} fails")
with open(written, "w") as file:
    file.write(f"{text}{name}{SIGN} ")
print("done", name)
"""


class Six:
    """Makes the pipeline, runs it, and counts effects."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace = workspace
        self.source = folder / "source"
        self.source.mkdir(parents=True, exist_ok=True)
        (self.source / "step.py").write_text(_STEP)
        (self.source / "helper.py").write_text("SIGN = '.'\n")
        self.effects_file = folder / "effects"

    @property
    def effects(self) -> Counter[str]:
        """How often each step has run."""
        return Counter(self.effects_file.read_text().split()) if self.effects_file.exists() else Counter()

    def pipeline(self, *, failing: str = "", variables: dict[str, str] | None = None, **options: Any) -> Pipeline:
        """Make the pipeline; `failing` names steps that fail until `mend`."""
        given = {"EFFECTS": str(self.effects_file), **({"FAILING": failing} if failing else {}), **(variables or {})}
        data = {name: PipelineData(name, is_directory=False) for name in NAMES}
        word = PipelineParameter("word", "hello")
        read = {"left": ["first"], "middle": ["first"], "right": ["first"], "join": ["left", "middle", "right"]}
        read["last"] = ["join"]
        steps = []
        for name in NAMES:
            inputs = [data[one] for one in read.get(name, [])]
            more = [word] if name == "last" else []
            steps.append(
                PythonScriptStep(
                    name=name,
                    script_name="step.py",
                    arguments=[name, data[name], *inputs, *more],
                    inputs=inputs,
                    outputs=[data[name]],
                    source_directory=self.source,
                    environment_variables=given,
                    **options,
                )
            )
        return Pipeline(self.workspace, steps)

    def submit(self, pipeline: Pipeline | None = None, **options: Any) -> PipelineRun:
        """Have it run."""
        run: PipelineRun = Experiment(self.workspace, "six").submit(pipeline or self.pipeline(), **options)
        return run

    def run(self, pipeline: Pipeline | None = None, **options: Any) -> PipelineRun:
        """Have it run, and wait for the end, whatever it is."""
        run = self.submit(pipeline, **options)
        run.wait_for_completion(show_output=False, raise_on_error=False, timeout_seconds=240)
        return run

    def mend(self) -> None:
        """Have no step fail any more."""
        self.effects_file.with_name("effects.mended").touch()


def states(run: PipelineRun) -> dict[str, str]:
    """Say how it stands with each step."""
    return {step.name: step.state for step in run.step_infos()}
