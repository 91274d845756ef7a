"""``modelyard workspace``: make, find, look at and delete workspaces."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, where
from modelyard.sdk.workspace import Workspace


@click.group(name="workspace")
def command() -> None:
    """Make, find, look at and delete workspaces."""


@command.command()
@click.argument("name")
@click.option("--path", default=".", metavar="FOLDER", help="The folder to make it in (default: this one).")
@click.option("--exist-ok", is_flag=True, help="Do nothing if it is there already.")
@click.option("--subscription-id", help="Kept as a label.")
@click.option("--resource-group", help="Kept as a label.")
@click.option("--location", help="Kept as a label.")
@as_json
def create(name: str, path: str, exist_ok: bool, as_json: bool, **labels: Any) -> None:
    """Make a workspace in a folder.

    \b
    Example:
      modelyard workspace create docs-ws --resource-group docs-aml
    """
    with Workspace.create(name, path=path, exist_ok=exist_ok, **labels) as workspace:
        if as_json:
            print_json(workspace.info)
        else:
            click.echo(f"The workspace {workspace.name} is in {workspace.location}")


@command.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the workspaces that you have made.

    \b
    Example:
      modelyard workspace list --json
    """
    found = [{"name": name, "folder": folder} for name, folders in Workspace.list().items() for folder in folders]
    if as_json:
        print_json(found)
    else:
        print_table(("NAME", "FOLDER"), [(one["name"], one["folder"]) for one in found], "There are no workspaces.")


@command.command()
@where
@as_json
def show(where: str | None, as_json: bool) -> None:
    """Show the workspace that commands here work on.

    \b
    Example:
      modelyard workspace show
    """
    with opened(where) as workspace:
        if as_json:
            print_json({"location": workspace.location, **_facts(workspace)})
        else:
            print_facts([("location", workspace.location), *_facts(workspace).items()])


@command.command()
@click.argument("folder")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run
def delete(folder: str, yes: bool, dry_run: bool) -> None:
    """Delete the workspace in FOLDER with everything in it.

    \b
    Example:
      modelyard workspace delete . --dry-run
    """
    with Workspace.open(folder) as workspace:
        if dry_run:
            click.echo(f"Would delete the workspace {workspace.name} in {workspace.location}")
        elif yes or click.confirm(f"Delete the workspace {workspace.name} in {workspace.location}?", err=True):
            workspace.delete()
            click.echo(f"Deleted the workspace {workspace.name}")


@command.command()
@where
@click.option("--older-than", default=3600.0, metavar="SECONDS", help="Spare what was used since (default: 3600).")
@dry_run
@as_json
def gc(where: str | None, older_than: float, dry_run: bool, as_json: bool) -> None:
    """Remove the blobs that nothing refers to.

    \b
    Example:
      modelyard workspace gc --dry-run
    """
    from modelyard.store.garbage import CollectGarbage

    with opened(where) as workspace:
        done = workspace.backend.garbage.collect(CollectGarbage(older_than=older_than, dry_run=dry_run))
    if as_json:
        print_json(done)
        return
    verb = "Would remove" if dry_run else "Removed"
    click.echo(f"{verb} {done.blobs} blobs and {done.unfinished} unfinished uploads ({done.size:,} bytes).")
    click.echo(f"Kept {done.kept} blobs.")


def _facts(workspace: Workspace) -> dict[str, object]:
    info = workspace.info
    return {"name": info.name, "id": info.id, "created": info.created.isoformat(), **info.labels}
