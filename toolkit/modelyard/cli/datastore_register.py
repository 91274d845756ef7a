"""``modelyard datastore register``: a command for each kind."""

from __future__ import annotations

import click

from modelyard.cli.output import dry_run, opened, where
from modelyard.sdk.data.datastore import Datastore


@click.group(name="register")
def register() -> None:
    """Give a place where data is kept a name."""


description = click.option("--description", default="", help="What it is, in words.")
overwrite = click.option("--overwrite", is_flag=True, help="Take the place of a datastore of that name.")


@register.command()
@click.argument("name")
@click.argument("path", type=click.Path(exists=True, file_okay=False))
@description
@overwrite
@dry_run
@where
def folder(name: str, path: str, description: str, overwrite: bool, dry_run: bool, where: str | None) -> None:
    """Register the folder PATH of this machine as NAME.

    \b
    Example:
      modelyard datastore register folder shared /srv/data
    """
    if dry_run:
        click.echo(f"Would register {path} as {name}")
        return
    with opened(where) as workspace:
        Datastore.register_folder(workspace, name, path, description=description, overwrite=overwrite)
    click.echo(f"Registered {name}")
