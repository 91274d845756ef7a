"""``modelyard compute``: where steps run, and how many at a time."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, where
from modelyard.cli.pairs import read_pairs
from modelyard.sdk.compute.target import AmlCompute, ComputeTarget


@click.group(name="compute")
def command() -> None:
    """Say where steps run, and how many at a time."""


@command.command("list")
@where
@as_json
def list_(where: str | None, as_json: bool) -> None:
    """List the compute targets.

    \b
    Example:
      modelyard compute list
    """
    with opened(where) as workspace:
        found = [one.info for one in ComputeTarget.list(workspace)]
    if as_json:
        print_json(found)
        return
    rows = [
        (one.name, one.type, one.kind, one.min_nodes, one.max_nodes or "all cores", one.nodes.current, one.use.running)
        for one in found
    ]
    headings = ("COMPUTE", "TYPE", "KIND", "MIN NODES", "MAX NODES", "NODES", "RUNNING")
    print_table(headings, rows, "There are no compute targets.")


@command.command()
@click.argument("name")
@where
@as_json
def show(name: str, where: str | None, as_json: bool) -> None:
    """Show the compute target NAME, and what its nodes do now.

    \b
    Example:
      modelyard compute show local
    """
    with opened(where) as workspace:
        target = ComputeTarget(workspace, name)
        info, status = target.info, target.status
    if as_json:
        print_json({"compute": info, "status": status})
        return
    facts: list[tuple[str, object]] = [("compute", info.name), ("type", info.type), ("kind", info.kind)]
    facts += [("size", info.vm_size), ("nodes", f"{info.min_nodes} to {info.max_nodes or 'all cores'}")]
    facts += [("there now", status.current_node_count), ("running", info.use.running), ("waiting", info.use.waiting)]
    print_facts([*facts, ("state", status.allocation_state), ("created", info.created)])


@command.command()
@click.argument("name")
@click.option("--min-nodes", type=int, default=0, show_default=True, help="There are at least so many.")
@click.option("--max-nodes", type=int, help="At most so many steps run at a time.  [default: the cores]")
@click.option("--idle-seconds", type=float, help="After which nodes beyond the least go.  [default: 120]")
@click.option("--vm-size", default="", help="Recorded; it changes nothing on one machine.")
@click.option("--kind", default="local", show_default=True, help="What runs its steps.")
@click.option("--description", default="", help="What it is, in words.")
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="May be given again.")
@dry_run
@where
def create(name: str, idle_seconds: float | None, tags: tuple[str, ...], dry_run: bool, **given: Any) -> None:
    """Create the pool NAME.

    \b
    Example:
      modelyard compute create cpu-cluster --min-nodes 1 --max-nodes 4
    """
    location = given.pop("where")
    new = AmlCompute.provisioning_configuration(
        idle_seconds_before_scaledown=idle_seconds, tags=read_pairs("--tag", tags), **given
    )
    if not dry_run:
        with opened(location) as workspace:
            ComputeTarget.create(workspace, name, new)
    most = new.max_nodes or "as many as there are cores"
    click.echo(f"{'Would create' if dry_run else 'Created'} {name}: {new.min_nodes} nodes at least, {most} at most")


@command.command()
@click.argument("name")
@dry_run
@where
def delete(name: str, dry_run: bool, where: str | None) -> None:
    """Delete the compute target NAME, if nothing runs on it or waits for it.

    \b
    Example:
      modelyard compute delete cpu-cluster
    """
    with opened(where) as workspace:
        target = ComputeTarget(workspace, name)
        if not dry_run:
            target.delete()
        click.echo(f"{'Would delete' if dry_run else 'Deleted'} {name}")
