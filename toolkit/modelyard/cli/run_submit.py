"""``modelyard run submit``: run a script elsewhere, with its snapshot and its environment kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_json, progress, where
from modelyard.cli.pairs import read_pairs
from modelyard.environments.requirements_file import from_pip_requirements
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.run.run import Run
from modelyard.sdk.run.script import ScriptRunConfig
from modelyard.tracking.snapshot import snapshot_files


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("-e", "--experiment", metavar="NAME", help="The experiment; it is made if need be.")
@click.option("--source", default=".", metavar="FOLDER", help="The folder to keep and run in (default: this one).")
@click.option("--environment", metavar="NAME[:VERSION]", help="A registered environment (default: this Python).")
@click.option("--requirements", metavar="FILE", help="Make an environment of a pip requirements file.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="Set for the script; may be given again.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=PATH", help="A file or folder; may be given again.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End it after so long.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag the run; may be given again.")
@click.option("--wait/--no-wait", default=True, help="Show its log until it ends (default), or return at once.")
@dry_run
@where
@as_json
def submit(script: str, where: str | None, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Run SCRIPT of the source folder with its ARGUMENTS, which come last; status 1 if it fails.

    \b
    Example:
      modelyard run submit --experiment digits --tag kind=first train.py --lr 0.1
    """
    if given["experiment"] is None:
        raise click.UsageError("Give --experiment NAME, before SCRIPT: what follows SCRIPT is the script's own.")
    config = _config(script, given)
    if dry_run:
        config.check()
        _print_plan(config, as_json=as_json)
        return
    with opened(where) as workspace:
        experiment = Experiment(workspace, given["experiment"])
        with progress("Submitting") as advance:
            tags = read_pairs("--tag", given["tags"])
            run = experiment.submit(config, tags=tags, seen=lambda path, size: advance(size, path))
        if not as_json:
            click.echo(f"Submitted {run.id}", err=True)
        if given["wait"]:
            wait_for(run, quiet=as_json)
        if as_json:
            print_json(run.info)
        elif not given["wait"]:
            click.echo(run.id)
        if given["wait"] and run.status != "Completed":
            raise click.exceptions.Exit(1)


def wait_for(run: Run, *, quiet: bool, noun: str = "run") -> None:
    """Wait for the end and say what it was; Ctrl-C ends the waiting, not the run, which `noun` has the commands for."""
    try:
        run.wait_for_completion(show_output=not quiet, raise_on_error=False)
    except KeyboardInterrupt:
        click.echo(f"{run.id} goes on. End it with: modelyard {noun} cancel {run.id}", err=True)
        raise
    error = run.info.error
    reason = f": {error.message}" if error is not None else ""
    click.echo(f"{run.id} is {run.status}{reason}", err=True)


def _config(script: str, given: dict[str, Any]) -> ScriptRunConfig:
    environment: Any = given["environment"]
    if given["requirements"] is not None:
        if environment is not None:
            raise click.UsageError("Give --environment or --requirements, not both.")
        environment = from_pip_requirements(given["requirements"])
    return ScriptRunConfig(
        source_directory=given["source"],
        script=script,
        arguments=given["arguments"],
        environment=environment,
        environment_variables=read_pairs("--env", given["variables"]),
        inputs=read_pairs("--input", given["inputs"]),
        timeout=given["timeout"],
    )


def _print_plan(config: ScriptRunConfig, *, as_json: bool) -> None:
    files = snapshot_files(Path(config.source_directory))
    if as_json:
        print_json({"script": config.script, "arguments": config.words, "files": files})
        return
    click.echo(f"Would run {' '.join([str(config.script), *config.words])}")
    click.echo(f"with a snapshot of {len(files)} files ({sum(files.values()):,} bytes):")
    for path, size in files.items():
        click.echo(f"{size:>14,}  {path}")
