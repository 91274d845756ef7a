"""``modelyard pipeline``: submit a pipeline of a file, and run the graph of a run again."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import isfunction
from pathlib import Path
from typing import Any

import click
import msgspec

from modelyard.cli.output import as_json, dry_run, opened, print_json, spinner, where
from modelyard.cli.pairs import read_pairs
from modelyard.cli.pipeline_table import print_explanations
from modelyard.cli.run_submit import wait_for
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.run import DONE
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.parameter import check_value
from modelyard.sdk.pipeline.pipeline import Pipeline
from modelyard.sdk.pipeline.run import PipelineRun

with_parameters = click.option(
    "-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Its value; may be given again."
)
with_regenerate = click.option("--regenerate", is_flag=True, help="Run every step, whatever there is of earlier runs.")
with_tags = click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag the run; may be given again.")
with_wait = click.option("--wait", is_flag=True, help="Show how it stands until it ends; status 1 if it fails.")


@click.command()
@click.argument("source", metavar="FILE.py:NAME|FILE.yaml")
@click.option("-e", "--experiment", required=True, metavar="NAME", help="The experiment; it is made if need be.")
@with_parameters
@with_regenerate
@click.option("--continue-on-failure", is_flag=True, help="When a step fails, go on with those that do not need it.")
@with_tags
@with_wait
@dry_run
@where
@as_json
def submit(source: str, where: str | None, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Have a pipeline run; --dry-run says which steps would run, and why.

    NAME is a Pipeline in FILE.py, or a function there that takes a Workspace and returns one.

    \b
    Example:
      modelyard pipeline submit churn.py:pipeline --experiment churn --parameter alpha=0.2 --wait
      modelyard pipeline submit churn.yaml --experiment churn --dry-run
    """
    with named_pipeline(source, where) as pipeline:
        options = {
            "pipeline_parameters": read_parameters(given["parameters"], compiled(pipeline)),
            "regenerate_outputs": given["regenerate"],
        }
        if dry_run:
            print_explanations(pipeline.plan(given["experiment"], **options), as_json=as_json)
            return
        with spinner("Submitting"):
            run = pipeline.submit(
                Experiment(pipeline.workspace, given["experiment"]),
                tags=read_pairs("--tag", given["tags"]),
                continue_on_step_failure=given["continue_on_failure"],
                **options,
            )
        follow_run(run, wait=given["wait"], as_json=as_json)


@click.command()
@click.argument("run")
@with_parameters
@with_regenerate
@with_tags
@with_wait
@dry_run
@where
@as_json
def resubmit(run: str, where: str | None, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Run the graph of RUN again, with the code and environments that it had, and its parameters but for those given.

    \b
    Example:
      modelyard pipeline resubmit churn_12 --parameter alpha=0.3
    """
    with opened(where) as workspace:
        found = PipelineRun.get(workspace, run)
        parameters = read_parameters(given["parameters"], found.graph)
        if dry_run:
            steps = [step.name for step in found.graph.steps]
            _print_again(run, steps, found.info.parameters | parameters, as_json=as_json)
            return
        again = found.resubmit(
            pipeline_parameters=parameters,
            regenerate_outputs=given["regenerate"],
            tags=read_pairs("--tag", given["tags"]),
        )
        follow_run(again, wait=given["wait"], as_json=as_json)


@click.command()
@click.argument("run")
@with_tags
@with_wait
@dry_run
@where
@as_json
def resume(run: str, where: str | None, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Run the graph of RUN, which has ended, again, but for the steps that have finished.

    \b
    Example:
      modelyard pipeline resume churn_12 --wait
    """
    with opened(where) as workspace:
        found = PipelineRun.get(workspace, run)
        if dry_run:
            left = [step.name for step in found.step_infos() if step.state not in DONE]
            _print_again(run, left, found.info.parameters, as_json=as_json)
            return
        follow_run(found.resume(tags=read_pairs("--tag", given["tags"])), wait=given["wait"], as_json=as_json)


def follow_run(run: PipelineRun, *, wait: bool, as_json: bool) -> None:
    """Print what was begun, at its end if it is waited for; status 1 if it did not complete then."""
    if wait:
        wait_for(run, quiet=as_json, noun="pipeline")
    if as_json:
        print_json(run.info)
    elif not wait:
        click.echo(run.id)
    if wait and run.status != "Completed":
        raise click.exceptions.Exit(1)


def _print_again(run: str, steps: Sequence[str], parameters: Mapping[str, Value], *, as_json: bool) -> None:
    if as_json:
        print_json({"steps": steps, "parameters": parameters})
        return
    click.echo(f"Would submit {run} again, with {len(steps)} steps that may run: {', '.join(steps) or 'none'}")
    for name, value in parameters.items():
        click.echo(f"{name} = {value}")


@contextmanager
def named_pipeline(source: str, where: str | None) -> Iterator[Pipeline]:
    """Find the pipeline that a file holds; one that is not made for a workspace gets the one that `where` names."""
    if source.endswith((".yaml", ".yml")):
        with opened(where) as workspace:
            yield Pipeline.from_yaml(workspace, source)
        return
    found = _named_in_script(source)
    if isinstance(found, Pipeline):
        yield found
        return
    with opened(where) as workspace:
        made = found(workspace) if callable(found) else found
        if not isinstance(made, Pipeline):
            what = "returns" if callable(found) else "is"
            problem = (
                f"it {what} a {type(made).__name__}; name a Pipeline, or a function of a Workspace that returns one"
            )
            raise InvalidValueError(source, problem)
        yield made


def _named_in_script(source: str) -> Any:
    """Run a script as ``python FILE.py`` would, but for its name, and return what a name stands for in it."""
    file, _, name = source.rpartition(":")
    path = Path(file)
    if path.suffix != ".py" or not name:
        raise InvalidValueError(f"the pipeline {source!r}", "write FILE.py:NAME or FILE.yaml")
    if not path.is_file():
        raise NotFoundError("file", file)
    sys.path.insert(0, str(path.parent.absolute()))  # where what it imports lies
    names = runpy.run_path(file, run_name=path.stem)
    if name not in names:
        known = [one for one, value in names.items() if _is_own(value, path.stem)]
        raise NotFoundError("pipeline", source, [f"{file}:{one}" for one in known])
    return names[name]


def _is_own(value: Any, script: str) -> bool:
    return isinstance(value, Pipeline) or (isfunction(value) and value.__module__ == script)


def read_parameters(texts: Sequence[str], graph: Graph) -> dict[str, Value]:
    """Read values as their defaults are of; what cannot be one stays a text, for which it is refused."""
    return {name: _value(name, text, graph) for name, text in read_pairs("--parameter", texts).items()}


def _value(name: str, text: str, graph: Graph) -> Value:
    kind = type(graph.parameters[name].default) if name in graph.parameters else str
    try:
        value = msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text
    return check_value(f"--parameter {name}", value)
