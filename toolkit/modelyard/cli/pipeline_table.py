"""How runs of pipelines and their steps look in a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from modelyard.cli.output import print_json, print_table
from modelyard.cli.run_table import print_run
from modelyard.pipelines.explanation import Explanation
from modelyard.pipelines.run import StepInfo
from modelyard.sdk.pipeline.run import PipelineRun

_HEADINGS = ("STEP", "STATE", "TOOK", "ATTEMPTS", "RUN", "WRITTEN", "MORE")


def print_pipeline_run(run: PipelineRun) -> None:
    """Print what is recorded of a run, and its steps."""
    print_run(run)
    print_steps(run.step_infos())


def print_steps(steps: Sequence[StepInfo]) -> None:
    """Print steps as a table, in the order of the pipeline."""
    print_table(_HEADINGS, map(_row, steps), "It has no steps.")


def print_explanations(found: Sequence[Explanation], *, as_json: bool) -> None:
    """Print why steps run or need not, as sentences or as JSON."""
    if as_json:
        print_json(found)
        return
    for one in found:
        click.echo(one)


def _row(step: StepInfo) -> tuple[object, ...]:
    took = "" if step.started is None else f"{(step.ended or time.time()) - step.started:.1f} s"
    more = step.detail if step.error is None else step.error.message.splitlines()[0]
    return (step.name, step.state, took, step.attempt or "", step.run, ", ".join(step.outputs), more)
