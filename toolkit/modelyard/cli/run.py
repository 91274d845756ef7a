"""``modelyard run``: submit scripts, find runs, compare them, look at what they logged, cancel and tag them."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_json, progress, where
from modelyard.cli.pairs import read_pairs
from modelyard.cli.run_compare import compare_
from modelyard.cli.run_submit import submit
from modelyard.cli.run_table import print_run, print_runs, print_values
from modelyard.sdk.run.run import Run
from modelyard.tracking.metric import as_json as to_json
from modelyard.tracking.run import RunQuery


@click.group(name="run")
def command() -> None:
    """Submit scripts, find runs, compare them, look at what they logged and kept, cancel and tag them."""


@command.command("list")
@click.option("-e", "--experiment", metavar="NAME", help="Only the runs of this experiment.")
@click.option("--status", multiple=True, metavar="STATUS", help="Only runs that are this; may be given again.")
@click.option("--tag", multiple=True, metavar="KEY[=VALUE]", help="Only runs that have this; may be given again.")
@click.option("--metric", multiple=True, metavar="NAME", help="Show the last value of this; may be given again.")
@click.option("--sort", default="created", metavar="created|metric:NAME", help="The newest, or the largest, first.")
@click.option("--ascending", is_flag=True, help="The oldest, or the smallest, first.")
@click.option("--limit", default=30, show_default=True, metavar="N", help="Show so many.")
@click.option("--children", is_flag=True, help="Show the runs within runs too.")
@where
@as_json
def list_(where: str | None, as_json: bool, **chosen: Any) -> None:
    """List runs, the newest first.

    \b
    Example:
      modelyard run list --experiment digits --sort metric:accuracy --limit 10
    """
    query = RunQuery(
        experiment=chosen["experiment"],
        status=chosen["status"],
        tags=chosen["tag"],
        order_by=chosen["sort"],
        descending=not chosen["ascending"],
        limit=chosen["limit"],
        top=not chosen["children"],
        metrics=True,
    )
    sorted_by = chosen["sort"].partition(":")[2]
    with opened(where) as workspace:
        found = workspace.backend.runs.list(query).items
    if as_json:
        print_json(found)
    else:
        print_runs(found, tuple(dict.fromkeys([*([sorted_by] if sorted_by else []), *chosen["metric"]])))


@command.command()
@click.argument("run")
@where
@as_json
def show(run: str, where: str | None, as_json: bool) -> None:
    """Show what is recorded of RUN.

    \b
    Example:
      modelyard run show digits_12
    """
    with opened(where) as workspace:
        found = Run.get(workspace, run)
        if as_json:
            print_json(found.info)
        else:
            print_run(found)


@command.command()
@click.argument("run")
@click.argument("names", nargs=-1)
@click.option("--recursive", is_flag=True, help="Add what the runs within it logged.")
@where
@as_json
def metrics(run: str, names: tuple[str, ...], recursive: bool, where: str | None, as_json: bool) -> None:
    """Show the metrics of RUN, all or those of the NAMES.

    \b
    Example:
      modelyard run metrics digits_12 accuracy loss
    """
    with opened(where) as workspace:
        values = Run.get(workspace, run).get_metrics(recursive=recursive)
    chosen = {name: value for name, value in values.items() if not names or name in names}
    if as_json:
        print_json(to_json(chosen))
    else:
        print_values(chosen)


@command.command()
@click.argument("run")
@where
@as_json
def files(run: str, where: str | None, as_json: bool) -> None:
    """List the files that RUN kept.

    \b
    Example:
      modelyard run files digits_12
    """
    with opened(where) as workspace:
        found = Run.get(workspace, run).get_files()
    if as_json:
        print_json(found)
        return
    for one in found:
        click.echo(f"{one.size:>14,}  {one.sha256[:12]}  {one.path}")


@command.command()
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@where
def logs(run: str, follow: bool, where: str | None) -> None:
    """Print the logs of RUN, and at its end why it failed.

    \b
    Example:
      modelyard run logs digits_12 -f
    """
    with opened(where) as workspace:
        found = Run.get(workspace, run)
        if follow:
            found.wait_for_completion(show_output=True, raise_on_error=False)
        else:
            for text in found.get_logs().values():
                click.echo(text, nl=False)
        if found.info.error is not None:
            click.echo(found.info.error.traceback or found.info.error.message, err=True)


@command.command()
@click.argument("run")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--below", metavar="FOLDER", help="Only the files below this folder of the run.")
@dry_run
@where
def download(run: str, folder: str, below: str | None, dry_run: bool, where: str | None) -> None:
    """Write the files that RUN kept into FOLDER.

    \b
    Example:
      modelyard run download digits_12 ./results --below outputs
    """
    with opened(where) as workspace:
        found = Run.get(workspace, run)
        if dry_run:
            written = [f"{folder}/{one.path}" for one in found.get_files(below)]
        else:
            with progress("Downloading"):
                written = [str(path) for path in found.download_files(below, folder)]
    for path in written:
        click.echo(f"{'Would write' if dry_run else 'Wrote'} {path}")


@command.command()
@click.argument("run")
@dry_run
@where
def cancel(run: str, dry_run: bool, where: str | None) -> None:
    """End RUN before its end.

    \b
    Example:
      modelyard run cancel digits_12
    """
    with opened(where) as workspace:
        found = Run.get(workspace, run)
        if dry_run:
            click.echo(f"Would cancel {run}, which is {found.status}")
            return
        found.cancel()
        click.echo(f"{run} is {found.status}")


@command.command()
@click.argument("run")
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be given again.")
@dry_run
@where
def tag(run: str, tags: tuple[str, ...], remove: tuple[str, ...], dry_run: bool, where: str | None) -> None:
    """Set tags of RUN, or remove some.

    \b
    Example:
      modelyard run tag digits_12 reviewed=yes --remove draft
    """
    pairs = read_pairs("tag", tags)
    with opened(where) as workspace:
        found = Run.get(workspace, run)
        if dry_run:
            click.echo(f"Would set {pairs} and remove {list(remove)} of {run}")
            return
        if remove:
            found.remove_tags(*remove)
        if pairs:
            found.set_tags(pairs)
        click.echo(f"{run} has the tags {found.tags}")


command.add_command(submit)
command.add_command(compare_)
