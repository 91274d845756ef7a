"""``modelyard service``: keys, and the end of a service."""

from __future__ import annotations

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, where
from modelyard.sdk.service.service import Service
from modelyard.services.router import find_router

_why = click.option("--why", default="", help="For the ledger.")


def add_life(service: click.Group) -> None:
    """Add the commands of this module to ``modelyard service``."""
    for one in (keys, regenerate_key, metrics, start, stop, delete):
        service.add_command(one)


@click.command()
@click.argument("name")
@where
@as_json
def keys(name: str, where: str | None, as_json: bool) -> None:
    """Show the keys of a service; both are valid.

    \b
    Example:
      modelyard service keys digits
    """
    with opened(where) as workspace:
        primary, secondary = Service(workspace, name).get_keys()
    if as_json:
        print_json({"primary": primary, "secondary": secondary})
    else:
        print_facts([("primary", primary), ("secondary", secondary)])


@click.command()
@click.argument("name")
@click.argument("which", type=click.Choice(["primary", "secondary"]))
@where
def regenerate_key(name: str, which: str, where: str | None) -> None:
    """Put a new key in the place of one; the other stays valid, so that clients can change over.

    \b
    Example:
      modelyard service regenerate-key digits secondary
    """
    with opened(where) as workspace:
        service = Service(workspace, name)
        click.echo(service.regenerate_key("primary" if which == "primary" else "secondary"))


@click.command()
@where
def metrics(where: str | None) -> None:
    """Print what this machine's router has counted, by service and revision, as Prometheus takes it.

    \b
    Example:
      modelyard service metrics > /var/lib/node_exporter/modelyard.prom
    """
    with opened(where) as workspace:
        click.echo(find_router(workspace.settings).metrics(), nl=False)


@click.command()
@click.argument("name")
@_why
@where
def start(name: str, why: str, where: str | None) -> None:
    """Have a service that was stopped run again.

    \b
    Example:
      modelyard service start digits
    """
    with opened(where) as workspace:
        Service(workspace, name).start(why)
    click.echo(f"{name} runs")


@click.command()
@click.argument("name")
@_why
@where
def stop(name: str, why: str, where: str | None) -> None:
    """End what runs of a service, and keep the service.

    \b
    Example:
      modelyard service stop digits
    """
    with opened(where) as workspace:
        Service(workspace, name).stop(why)
    click.echo(f"Stopped {name}; modelyard service start {name} has it run again")


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_why
@where
@dry_run
def delete(name: str, yes: bool, why: str, where: str | None, dry_run: bool) -> None:
    """End a service, and remove all that it had; its history stays.

    \b
    Example:
      modelyard service delete digits --yes
    """
    with opened(where) as workspace:
        service = Service(workspace, name)
        told = f"{name} ({', '.join(service.models)}, {service.state})"
        if dry_run:
            click.echo(f"Would delete {told}")
        elif yes or click.confirm(f"Delete {told}?", err=True):
            service.delete(why)
            click.echo(f"Deleted {name}")
