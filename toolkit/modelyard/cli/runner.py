"""``modelyard runner``: look at, be and end what brings about the work of a workspace."""

from __future__ import annotations

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, where
from modelyard.runner.lease import LeaseInfo, LeaseQuery
from modelyard.sdk.runner import attendance, log_to_stderr, reconcilers
from modelyard.sdk.runner import run as run_here
from modelyard.sdk.workspace import Workspace


@click.group(name="runner")
def command() -> None:
    """Look at, be and end what brings about the work of a workspace."""


@command.command()
@where
@as_json
def status(where: str | None, as_json: bool) -> None:
    """Show the runner of a workspace, what is in hand, and what fails with its reason.

    \b
    Example:
      modelyard runner status
    """
    with opened(where) as workspace:
        looking = attendance(workspace)
        pid = looking.find() if looking else None
        log = str(looking.log) if looking else None
        kinds = [one.kind for one in reconcilers(workspace)]
        leases = _leases(workspace)
    if as_json:
        print_json({"pid": pid, "log": log, "kinds": kinds, "leases": leases})
        return
    print_facts([("process", pid or ("none" if looking else "")), ("log", log), ("looks after", ", ".join(kinds))])
    rows = [(one.key, one.holder, one.token, one.failures, one.reason) for one in leases]
    print_table(("WORK", "HOLDER", "TOKEN", "FAILURES", "REASON"), rows, "Nothing is in hand.")


@command.command()
@click.option("--idle", type=click.FloatRange(min=0), metavar="SECONDS", help="End after so long with nothing to do.")
@where
def run(idle: float | None, where: str | None) -> None:
    """Look after a workspace in this process, until SIGTERM or Ctrl-C; a served one may have any number of runners.

    \b
    Example:
      modelyard runner run --workspace http://127.0.0.1:8630
    """
    log_to_stderr()
    with opened(where) as workspace:
        run_here(workspace, idle)


@command.command()
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="For the step in hand to end.")
@where
@dry_run
@as_json
def stop(timeout: float, where: str | None, dry_run: bool, as_json: bool) -> None:
    """End the runner of a workspace on this machine, when the steps in hand have ended; the next takes up the rest.

    \b
    Example:
      modelyard runner stop
    """
    with opened(where) as workspace:
        looking = attendance(workspace)
    if looking is None:
        raise click.UsageError("A served workspace's runners are ended where they run.")
    pid = looking.find() if dry_run else looking.stop(timeout)
    if as_json:
        print_json({"pid": pid})
    elif pid is None:
        click.echo("No runner looks after this workspace")
    else:
        click.echo(f"{'Would end' if dry_run else 'Ended'} the runner {pid}")


def _leases(workspace: Workspace) -> list[LeaseInfo]:
    found: list[LeaseInfo] = []
    query = LeaseQuery(limit=1000)
    while True:
        page = workspace.backend.leases.list(query)
        found += page.items
        if page.cursor is None:
            return found
        query = LeaseQuery(limit=1000, cursor=page.cursor)
