"""``modelyard datastore``: register places where data is kept, and send, list and fetch files."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.datastore_register import register
from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, where
from modelyard.sdk.data.datastore import Datastore
from modelyard.sdk.workspace import Workspace

overwrite = click.option("--overwrite", is_flag=True, help="Replace what is there with other content.")


@click.group(name="datastore")
def command() -> None:
    """Register places where data is kept, and send, list and fetch files.

    Without --datastore, files are those of the default datastore.
    """


command.add_command(register)
chosen = click.option("-d", "--datastore", metavar="NAME", help="By default the default one.")


@command.command("list")
@where
@as_json
def list_(where: str | None, as_json: bool) -> None:
    """List the datastores.

    \b
    Example:
      modelyard datastore list
    """
    with opened(where) as workspace:
        found = [one.info for one in workspace.datastores.values()]
    if as_json:
        print_json(found)
    else:
        rows = [(one.name, one.type, "yes" if one.is_default else "", one.description) for one in found]
        print_table(("DATASTORE", "KIND", "DEFAULT", "DESCRIPTION"), rows, "There are no datastores.")


@command.command()
@click.argument("name")
@click.option("--reach", is_flag=True, help="Find out whether it answers this machine; if not, say why and fail.")
@where
@as_json
def show(name: str, reach: bool, where: str | None, as_json: bool) -> None:
    """Show what the datastore NAME is.

    \b
    Example:
      modelyard datastore show workspaceblobstore --reach
    """
    with opened(where) as workspace:
        store = Datastore(workspace, name)
        info = store.info
        if reach:
            store.reach()
    if as_json:
        print_json(info)
        return
    facts: list[tuple[str, object]] = [("datastore", info.name), ("kind", info.type)]
    facts += [(field, getattr(info.kind, field)) for field in info.kind.__struct_fields__]
    print_facts([*facts, ("default", info.is_default), ("description", info.description), ("created", info.created)])


@command.command()
@click.argument("name")
@dry_run
@where
def default(name: str, dry_run: bool, where: str | None) -> None:
    """Make NAME the default datastore.

    \b
    Example:
      modelyard datastore default training
    """
    with opened(where) as workspace:
        store = Datastore(workspace, name)
        if not dry_run:
            store.set_as_default()
        click.echo(f"{'Would make' if dry_run else 'Made'} {name} the default datastore")


@command.command()
@click.argument("name")
@dry_run
@where
def unregister(name: str, dry_run: bool, where: str | None) -> None:
    """Forget the datastore NAME; the data stays where it is.

    \b
    Example:
      modelyard datastore unregister training
    """
    with opened(where) as workspace:
        store = Datastore(workspace, name)
        if not dry_run:
            store.unregister()
        click.echo(f"{'Would unregister' if dry_run else 'Unregistered'} {name}; its data stays where it is")


@command.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True))
@click.option("--to", "target", default="", metavar="FOLDER", help="The folder on the datastore.")
@chosen
@overwrite
@dry_run
@where
def upload(
    paths: tuple[str, ...], target: str, datastore: str | None, overwrite: bool, dry_run: bool, where: str | None
) -> None:
    """Send files by their names, or a folder with all that is in it.

    \b
    Example:
      modelyard datastore upload data/20news.pkl --to 20newsgroups
    """
    folders = [path for path in paths if Path(path).is_dir()]
    files = [path for path in paths if path not in folders]
    with opened(where) as workspace:
        store = _chosen(workspace, datastore)
        place = f"{store.name}/{target}" if target else store.name
        if dry_run:
            click.echo(f"Would upload {', '.join(paths)} to {place}")
            return
        for folder in folders:
            store.upload(folder, target, overwrite=overwrite)
        if files:
            store.upload_files(files, target_path=target, overwrite=overwrite)
        click.echo(f"Uploaded {', '.join(paths)} to {place}")


@command.command()
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--prefix", default="", metavar="PATH", help="Only this file, or what is in this folder.")
@chosen
@overwrite
@dry_run
@where
def download(
    folder: str, prefix: str, datastore: str | None, overwrite: bool, dry_run: bool, where: str | None
) -> None:
    """Fetch files into FOLDER, with the paths that they have on the datastore.

    \b
    Example:
      modelyard datastore download ./data --prefix 20newsgroups
    """
    with opened(where) as workspace:
        store = _chosen(workspace, datastore)
        if dry_run:
            click.echo(f"Would fetch {len(store.list(prefix))} files of {store.name} into {folder}")
            return
        count = store.download(folder, prefix, overwrite=overwrite)
        click.echo(f"Fetched {count} files of {store.name} into {folder}")


@command.command()
@click.argument("prefix", default="")
@chosen
@where
@as_json
def ls(prefix: str, datastore: str | None, where: str | None, as_json: bool) -> None:
    """List files: all, that at PREFIX, or those in the folder of that name.

    \b
    Example:
      modelyard datastore ls 20newsgroups
    """
    with opened(where) as workspace:
        found = _chosen(workspace, datastore).list(prefix)
    if as_json:
        print_json(found)
    else:
        rows = [(one.path, f"{one.size:,}", f"{one.modified:%Y-%m-%d %H:%M:%S}") for one in found]
        print_table(("PATH", "BYTES", "MODIFIED (UTC)"), rows, "There are no files.")


@command.command()
@click.argument("prefix")
@click.option("--yes", is_flag=True, help="Do not ask.")
@chosen
@dry_run
@where
def rm(prefix: str, yes: bool, datastore: str | None, dry_run: bool, where: str | None) -> None:
    """Delete the file at PREFIX, or those in the folder of that name.

    \b
    Example:
      modelyard datastore rm 20newsgroups --dry-run
    """
    with opened(where) as workspace:
        store = _chosen(workspace, datastore)
        count = len(store.list(prefix))
        if dry_run:
            click.echo(f"Would delete {count} files of {store.name}")
        elif yes or click.confirm(f"Delete {count} files of {store.name}?", err=True):
            click.echo(f"Deleted {store.delete_files(prefix)} files of {store.name}")


def _chosen(workspace: Workspace, name: str | None) -> Datastore:
    return Datastore(workspace, name) if name else Datastore.get_default(workspace)
