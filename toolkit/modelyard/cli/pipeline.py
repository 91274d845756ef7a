"""``modelyard pipeline``: submit and publish pipelines, see how their runs stand and why steps ran, run them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_json, where
from modelyard.cli.pipeline_publish import publish, published
from modelyard.cli.pipeline_submit import resubmit, resume, submit
from modelyard.cli.pipeline_table import print_explanations, print_pipeline_run, print_steps
from modelyard.cli.run_table import print_runs
from modelyard.errors import StateError
from modelyard.pipelines.run import PIPELINE
from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.sdk.pipeline.step_run import StepOutputs, StepRun
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.run import RunQuery


@click.group(name="pipeline")
def command() -> None:
    """Submit and publish pipelines, see how their runs stand and why steps ran, cancel them, run them again."""


@command.command("list")
@click.option("-e", "--experiment", metavar="NAME", help="Only the runs of this experiment.")
@click.option("--status", multiple=True, metavar="STATUS", help="Only runs that are this; may be given again.")
@click.option("--tag", multiple=True, metavar="KEY[=VALUE]", help="Only runs that have this; may be given again.")
@click.option("--limit", default=30, show_default=True, metavar="N", help="Show so many.")
@where
@as_json
def list_(where: str | None, as_json: bool, **chosen: Any) -> None:
    """List runs of pipelines, the newest first.

    \b
    Example:
      modelyard pipeline list --experiment churn --status Failed
    """
    query = RunQuery(type=(PIPELINE,), tags=chosen.pop("tag"), **chosen)
    with opened(where) as workspace:
        found = workspace.backend.runs.list(query).items
    if as_json:
        print_json(found)
    else:
        print_runs(found, ())


@command.command()
@click.argument("run")
@where
@as_json
def show(run: str, where: str | None, as_json: bool) -> None:
    """Show what is recorded of RUN, and how it stands with its steps.

    \b
    Example:
      modelyard pipeline show churn_12
    """
    with opened(where) as workspace:
        found = PipelineRun.get(workspace, run)
        if as_json:
            print_json({"run": found.info, "graph": found.graph, "steps": found.step_infos()})
        else:
            print_pipeline_run(found)


@command.command()
@click.argument("run")
@where
@as_json
def steps(run: str, where: str | None, as_json: bool) -> None:
    """List the steps of RUN, and how it stands with each.

    \b
    Example:
      modelyard pipeline steps churn_12
    """
    with opened(where) as workspace:
        found = PipelineRun.get(workspace, run).step_infos()
    if as_json:
        print_json(found)
    else:
        print_steps(found)


@command.command()
@click.argument("run")
@click.option("--against", metavar="OTHER", help="The run to compare with (default: the one before it).")
@where
@as_json
def explain(run: str, against: str | None, where: str | None, as_json: bool) -> None:
    """Say why each step of RUN ran, or needed not.

    \b
    Example:
      modelyard pipeline explain churn_12
      modelyard pipeline explain churn_12 --against churn_3
    """
    with opened(where) as workspace:
        found = PipelineRun.get(workspace, run).explain(against)
    print_explanations(found, as_json=as_json)


@command.command()
@click.argument("run")
@click.argument("step")
@where
def logs(run: str, step: str, where: str | None) -> None:
    """Print what STEP of RUN has written until now, and at its end why it failed.

    \b
    Example:
      modelyard pipeline logs churn_12 train
    """
    with opened(where) as workspace:
        found = _step_run(workspace, run, step)
        click.echo(found.get_stdout_log(), nl=False)
        if found.step.error is not None:
            click.echo(found.step.error.message, err=True)


@command.command()
@click.argument("run")
@click.argument("name")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--step", metavar="STEP", help="Which has written it, where several write something of that name.")
@click.option("--overwrite", is_flag=True, help="Write over what is there.")
@dry_run
@where
@as_json
def outputs(run: str, name: str, folder: str, where: str | None, as_json: bool, **given: Any) -> None:
    """Write what the steps of RUN have written under NAME into FOLDER.

    \b
    Example:
      modelyard pipeline outputs churn_12 model ./results
    """
    with opened(where) as workspace:
        found = _outputs(workspace, run, name, given["step"])
        if not given["dry_run"]:
            found.download(folder, overwrite=given["overwrite"])
        paths = [str(Path(folder) / name / path) for path in found.get_file_names()]
    if as_json:
        print_json(paths)
        return
    for path in paths:
        click.echo(f"{'Would write' if given['dry_run'] else 'Wrote'} {path}")


@command.command()
@click.argument("run")
@dry_run
@where
@as_json
def cancel(run: str, dry_run: bool, where: str | None, as_json: bool) -> None:
    """End RUN before its end, with all that its steps have started; what has finished stays.

    \b
    Example:
      modelyard pipeline cancel churn_12
    """
    with opened(where) as workspace:
        found = PipelineRun.get(workspace, run)
        if not dry_run:
            found.cancel()
        status = found.status
    if as_json:
        print_json({"run": run, "status": status})
    else:
        click.echo(f"Would cancel {run}, which is {status}" if dry_run else f"{run} is {status}")


def _outputs(workspace: Workspace, run: str, name: str, step: str | None) -> StepOutputs:
    if step is None:
        return PipelineRun.get(workspace, run).get_pipeline_output(name)
    return _step_run(workspace, run, step).get_output_data(name)


def _step_run(workspace: Workspace, run: str, step: str) -> StepRun:
    """Find the run of a step, which must have begun."""
    found = PipelineRun.get(workspace, run)
    for begun in found.find_step_run(step):
        return begun
    states = {info.name: info.state for info in found.step_infos()}
    raise StateError(f"Step {step!r} of {run}", states[step], "be looked at: it has not run")


for _one in (submit, resubmit, resume, publish, published):
    command.add_command(_one)
