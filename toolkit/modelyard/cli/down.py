"""``modelyard down``: end what runs of a workspace on this machine."""

from __future__ import annotations

import click

from modelyard.cli.output import as_json, opened, print_json, where
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.service.machine import down


@click.command(name="down")
@click.option("--timeout", default=120.0, show_default=True, metavar="SECONDS", help="Until all must have ended.")
@where
@as_json
def command(timeout: float, where: str | None, as_json: bool) -> None:
    """End the runner, the services and the router of a workspace on this machine; modelyard up has them run again.

    Requests that are under way are answered before. What should run stays as it is wanted, a rollout that is under
    way too; the router goes on if it serves another workspace. The status is 1 if something has not ended in time.

    \b
    Example:
      modelyard down
    """
    with opened(where) as workspace:
        if is_served(workspace):
            raise click.UsageError("A served workspace's services are ended where they run.")
        ended = down(workspace, timeout, lambda text: click.echo(text, err=as_json))
    if as_json:
        print_json(ended)
    else:
        left = [one for one in ended.services if one.problem]
        for one in left:
            click.echo(f"{one.service} has not ended: {one.problem}", err=True)
        click.echo("The router has ended" if ended.router else "The router goes on, for other services")
    if any(one.problem for one in ended.services):
        raise click.exceptions.Exit(1)
