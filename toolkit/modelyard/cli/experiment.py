"""``modelyard experiment``: look at experiments."""

from __future__ import annotations

import click

from modelyard.cli.output import as_json, opened, print_facts, print_json, print_table, where
from modelyard.sdk.experiment import Experiment
from modelyard.tracking.run import RunQuery


@click.group(name="experiment")
def command() -> None:
    """Look at experiments: sets of runs to compare."""


@command.command("list")
@where
@as_json
def list_(where: str | None, as_json: bool) -> None:
    """List the experiments of the workspace.

    \b
    Example:
      modelyard experiment list
    """
    with opened(where) as workspace:
        found = [one.info for one in Experiment.list(workspace)]
    if as_json:
        print_json(found)
    else:
        rows = [(one.name, one.last_number, one.created.strftime("%Y-%m-%d %H:%M"), one.description) for one in found]
        print_table(("EXPERIMENT", "RUNS", "CREATED (UTC)", "DESCRIPTION"), rows, "There are no experiments.")


@command.command()
@click.argument("name")
@where
@as_json
def show(name: str, where: str | None, as_json: bool) -> None:
    """Show an experiment, and how its newest runs went.

    \b
    Example:
      modelyard experiment show digits
    """
    with opened(where) as workspace:
        info = workspace.backend.experiments.get(name)
        newest = workspace.backend.runs.list(RunQuery(experiment=name, limit=10)).items
    if as_json:
        print_json({"experiment": info, "newest_runs": newest})
        return
    created = info.created.isoformat(timespec="seconds")
    facts = [("name", info.name), ("runs", info.last_number), ("created", created), ("description", info.description)]
    print_facts([*facts, *((run.id, f"{run.status}  {run.display_name}") for run in newest)])
