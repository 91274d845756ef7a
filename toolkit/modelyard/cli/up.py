"""``modelyard up``: have everything run that should."""

from __future__ import annotations

import click

from modelyard.cli.output import as_json, opened, print_json, where
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.service.machine import up


@click.command(name="up")
@click.option("--timeout", default=300.0, show_default=True, metavar="SECONDS", help="Until all must answer.")
@where
@as_json
def command(timeout: float, where: str | None, as_json: bool) -> None:
    """Have every service of a workspace run again that should run on this machine, as after a reboot.

    The runner is started if there is none, and through it the router and the replicas; what runs already is left
    alone. Waits until each service answers, or says why it does not; then the status is 1.

    \b
    Example:
      modelyard up --timeout 120
    """
    with opened(where) as workspace:
        if is_served(workspace):
            raise click.UsageError(
                "A served workspace's services run where its runners are: modelyard server start has one, and "
                f"modelyard runner run --workspace {workspace.location} is another, on this machine."
            )
        found = up(workspace, timeout, lambda text: click.echo(text, err=as_json))
    if as_json:
        print_json(found)
    elif not found:
        click.echo("No service should run on this machine")
    if any(one.problem for one in found):
        raise click.exceptions.Exit(1)
