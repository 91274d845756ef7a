"""What a runner does with a step, as far as these tests need it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from modelyard import Pipeline, Workspace
from modelyard.pipelines.graph import FromOutput, Step
from modelyard.sdk.pipeline.compilation import compiled

_PLACEHOLDER = re.compile(r"\$\{\{(inputs|outputs|parameters)\.(\w+)\}\}")


def words_of(step: Step, outputs: Path, parameters: dict[str, object] | None = None) -> list[str]:
    """Put paths below the folder `outputs` and values into the words of a step."""

    def filled(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "parameters":
            return str((parameters or {})[name])
        if kind == "outputs":
            return str(outputs / step.name / name)
        source = step.inputs[name]
        assert isinstance(source, FromOutput)
        return str(outputs / source.step / source.output / source.path)

    return [_PLACEHOLDER.sub(filled, word) for word in step.command]


def run(pipeline: Pipeline, outputs: Path, parameters: dict[str, object] | None = None) -> list[str]:
    """Run the steps one after the other, and give what each printed."""
    return [
        _run(step, words_of(step, outputs, parameters), outputs, pipeline.folder_of(given), pipeline.workspace)
        for step, given in zip(compiled(pipeline).steps, pipeline.steps, strict=True)
    ]


def _run(step: Step, words: list[str], outputs: Path, folder: Path | None, workspace: Workspace) -> str:
    for name, output in step.outputs.items():
        (outputs / step.name / name if output.is_directory else outputs / step.name).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=folder or outputs,
        env={**os.environ, "MODELYARD_WORKSPACE": workspace.location},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr
