"""``modelyard pipeline publish`` and ``published``: keep a pipeline to be called again and again, and call it."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, spinner, where
from modelyard.cli.pairs import read_pairs
from modelyard.cli.pipeline_submit import (
    follow_run,
    named_pipeline,
    read_parameters,
    with_parameters,
    with_regenerate,
    with_tags,
    with_wait,
)
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.published import PublishedPipeline
from modelyard.sdk.run.logs import is_served

_HEADINGS = ("ID", "NAME", "VERSION", "STATUS", "CREATED", "DESCRIPTION")


@click.command()
@click.argument("source", metavar="FILE.py:NAME|FILE.yaml")
@click.option("--name", required=True, help="What people call it; others may have the same.")
@click.option("--description", help="What it is for.")
@click.option("--version", help="Any text.")
@click.option("--continue-on-failure", is_flag=True, help="When a step fails, go on with those that do not need it.")
@dry_run
@where
@as_json
def publish(source: str, where: str | None, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Keep a pipeline with its code and environments as they are now, to be called again and again; print its id.

    \b
    Example:
      modelyard pipeline publish churn.py:pipeline --name churn --version 1.0 --workspace https://yard.example
    """
    with named_pipeline(source, where) as pipeline:
        if dry_run:
            steps = [step.name for step in compiled(pipeline).steps]
            click.echo(f"Would publish {given['name']} with {len(steps)} steps: {', '.join(steps)}")
            return
        with spinner("Publishing"):
            found = pipeline.publish(
                given["name"], given["description"], given["version"], given["continue_on_failure"]
            )
    if as_json:
        print_json(found.info)
    else:
        click.echo(found.id)


@click.group()
def published() -> None:
    """List, show and call published pipelines; enable, disable and archive them."""


@published.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are disabled or archived.")
@where
@as_json
def list_(where: str | None, everything: bool, as_json: bool) -> None:
    """List published pipelines, the newest first.

    \b
    Example:
      modelyard pipeline published list
    """
    with opened(where) as workspace:
        found = [one.info for one in PublishedPipeline.list(workspace, active_only=not everything)]
    if as_json:
        print_json(found)
        return
    rows = [(one.id, one.name, one.version, one.status, f"{one.created:%Y-%m-%d}", one.description) for one in found]
    print_table(_HEADINGS, rows, "Nothing is published.")


@published.command()
@click.argument("pipeline", metavar="ID")
@where
@as_json
def show(pipeline: str, where: str | None, as_json: bool) -> None:
    """Show a published pipeline, what it takes, and where it is called.

    \b
    Example:
      modelyard pipeline published show 0b5f5c1e-8f0c-4b4e-9f0a-3a4f7a1c2d3e
    """
    with opened(where) as workspace:
        found = PublishedPipeline.get(workspace, pipeline)
        endpoint = found.endpoint if is_served(workspace) else None
        if as_json:
            print_json({"pipeline": found.info, "graph": found.graph, "endpoint": endpoint})
            return
        facts = [(name, getattr(found, name)) for name in ("id", "name", "version", "status", "description")]
        print_facts([*facts, ("steps", ", ".join(step.name for step in found.graph.steps)), ("endpoint", endpoint)])
        print_facts((f"parameter {name}", value) for name, value in found.parameters.items())


@published.command()
@click.argument("pipeline", metavar="ID")
@click.option("-e", "--experiment", required=True, metavar="NAME", help="The experiment; it is made if need be.")
@with_parameters
@with_regenerate
@with_tags
@with_wait
@dry_run
@where
@as_json
def call(pipeline: str, where: str | None, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Have a published pipeline run, and print the id of the run.

    \b
    Example:
      modelyard pipeline published call 0b5f5c1e-8f0c-4b4e-9f0a-3a4f7a1c2d3e -e nightly -p alpha=0.2 --wait
    """
    with opened(where) as workspace:
        found = PublishedPipeline.get(workspace, pipeline)
        parameters = read_parameters(given["parameters"], found.graph)
        if dry_run:
            click.echo(f"Would call {found.name} with {found.parameters | parameters}")
            return
        run = found.submit(
            workspace,
            given["experiment"],
            parameters,
            regenerate_outputs=given["regenerate"],
            tags=read_pairs("--tag", given["tags"]),
        )
        follow_run(run, wait=given["wait"], as_json=as_json)


@published.command()
@click.argument("what", type=click.Choice(["enable", "disable", "archive"]))
@click.argument("pipeline", metavar="ID")
@dry_run
@where
def change(what: str, pipeline: str, where: str | None, dry_run: bool) -> None:
    """Have a published pipeline be callable, or not, or be listed no more; runs that have begun go on.

    \b
    Example:
      modelyard pipeline published change disable 0b5f5c1e-8f0c-4b4e-9f0a-3a4f7a1c2d3e
    """
    with opened(where) as workspace:
        found = PublishedPipeline.get(workspace, pipeline)
        if dry_run:
            click.echo(f"Would {what} {found.name}, which is {found.status}")
            return
        getattr(found, what)()
        click.echo(f"{found.name} is {found.status}")
