"""``modelyard dataset``: register versions of data, look into them, compare and fetch them."""

from __future__ import annotations

import click

from modelyard.cli.dataset_table import profile_rows, version_facts, version_rows
from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, where
from modelyard.cli.pairs import read_pairs
from modelyard.data.sets.tabular import format_of
from modelyard.sdk.data.dataset import Dataset
from modelyard.sdk.data.datastore import Datastore
from modelyard.sdk.data.draft import DatasetDraft, Files, Tabular
from modelyard.sdk.data.selection import select
from modelyard.sdk.workspace import Workspace


@click.group(name="dataset")
def command() -> None:
    """Register versions of data, look into them, compare and fetch them.

    A version is written NAME:VERSION; NAME alone is the newest.
    """


@command.command("list")
@click.argument("name", required=False)
@where
@as_json
def list_(name: str | None, where: str | None, as_json: bool) -> None:
    """List the data sets, each in its newest version, or the versions of NAME.

    \b
    Example:
      modelyard dataset list churn
    """
    with opened(where) as workspace:
        found = [one.info for one in Dataset.list(workspace, name, latest=name is None)]
    if as_json:
        print_json(found)
    else:
        headings = ("DATA SET", "DIGEST", "FILES", "BYTES", "ROWS", "COLUMNS", "CREATED (UTC)", "KEPT")
        print_table(headings, version_rows(found), "There are no data sets.")


@command.command()
@click.argument("version")
@where
@as_json
def show(version: str, where: str | None, as_json: bool) -> None:
    """Show what a version is, and its files.

    \b
    Example:
      modelyard dataset show churn:2
    """
    with opened(where) as workspace:
        data = Dataset(workspace, version)
        files = data.files()
    if as_json:
        print_json({"version": data.info, "files": files})
        return
    print_facts(version_facts(data.info))
    print_table(("PATH", "BYTES", "SHA256"), [(one.path, f"{one.size:,}", one.sha256) for one in files], "No files.")


@command.command()
@click.argument("name")
@click.argument("path")
@click.option("-d", "--datastore", metavar="NAME", help="PATH is one of this datastore; what is there stays there.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "parquet", "json-lines", "files"]),
    help="How the files are written; by default as their names say.",
)
@click.option("--delimiter", default=",", show_default=True, help="Of csv; \\t is a tab.")
@click.option("--no-header", is_flag=True, help="The first line of csv is data.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of csv.")
@click.option("--description", help="What it is.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="A tag; may be given several times.")
@dry_run
@where
@as_json
def register(  # noqa: PLR0913, PLR0917 - an option each
    name: str,
    path: str,
    datastore: str | None,
    description: str | None,
    tags: tuple[str, ...],
    dry_run: bool,
    where: str | None,
    as_json: bool,
    **written: object,
) -> None:
    """Register the file, folder or pattern PATH as the next version of NAME.

    What is the same as the newest version is that version.

    \b
    Example:
      modelyard dataset register churn data/churn --tag area=sales
      modelyard dataset register churn 'churn/2026/*.csv' -d shared
    """
    with opened(where) as workspace:
        draft = _draft(workspace, path, datastore, written)
        if dry_run:
            click.echo(f"Would register {len(draft.selection.files)} files as {name}")
            return
        data = draft.register(workspace, name, description, read_pairs("--tag", tags))
    if as_json:
        print_json(data.info)
    else:
        click.echo(f"{data.id} has {data.info.files} files, digest {data.digest}")


@command.command()
@click.argument("version")
@where
@as_json
def profile(version: str, where: str | None, as_json: bool) -> None:
    """Show what is in the columns of a version, as it was when it was registered.

    \b
    Example:
      modelyard dataset profile churn
    """
    with opened(where) as workspace:
        found = Dataset(workspace, version).profile()
    if as_json:
        print_json(found)
        return
    click.echo(f"{found.rows} rows")
    headings = ("COLUMN", "TYPE", "MISSING", "DISTINCT", "MIN", "MEDIAN", "MAX", "MEAN", "STD", "MOST FREQUENT")
    print_table(headings, profile_rows(found), "There are no columns.")


@command.command()
@click.argument("before")
@click.argument("after")
@where
@as_json
def diff(before: str, after: str, where: str | None, as_json: bool) -> None:
    """Say what differs from the version BEFORE to AFTER: files, rows, columns, and what is in them.

    \b
    Example:
      modelyard dataset diff churn:1 churn:2
    """
    with opened(where) as workspace:
        found = Dataset(workspace, before).diff(Dataset(workspace, after))
    if as_json:
        print_json(found)
    else:
        print_table(("WHAT", "DIFFERENCE"), found.facts(), f"{found.before} and {found.after} are the same.")


@command.command()
@click.argument("version")
@click.option("-n", "--rows", default=10, show_default=True, help="How many.")
@where
@as_json
def head(version: str, rows: int, where: str | None, as_json: bool) -> None:
    """Show the first rows of a version.

    \b
    Example:
      modelyard dataset head churn -n 5
    """
    with opened(where) as workspace:
        table = Dataset(workspace, version).take(rows)
    if as_json:
        print_json(list(table))
    else:
        print_table(list(table.columns), [list(row.values()) for row in table], "There are no rows.")


@command.command()
@click.argument("version")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace what is there with other content.")
@dry_run
@where
def download(version: str, folder: str, overwrite: bool, dry_run: bool, where: str | None) -> None:
    """Fetch the files of a version into FOLDER.

    \b
    Example:
      modelyard dataset download churn:2 ./data
    """
    with opened(where) as workspace:
        data = Dataset(workspace, version)
        if dry_run:
            click.echo(f"Would fetch {data.info.files} files of {data.id} into {folder}")
            return
        click.echo(f"Fetched {data.download(folder, overwrite)} files of {data.id} into {folder}")


@command.command()
@click.argument("version")
@dry_run
@where
def unregister(version: str, dry_run: bool, where: str | None) -> None:
    """Delete a version; what a model was made from stays.

    \b
    Example:
      modelyard dataset unregister churn:1
    """
    with opened(where) as workspace:
        data = Dataset(workspace, version)
        if not dry_run:
            data.unregister()
        click.echo(f"{'Would unregister' if dry_run else 'Unregistered'} {data.id}")


def _draft(workspace: Workspace, path: str, datastore: str | None, written: dict[str, object]) -> DatasetDraft:
    """Make what is registered of the options."""
    given = (Datastore(workspace, datastore), path) if datastore else path
    match written["kind"]:
        case "csv":
            return Tabular.from_delimited_files(
                given,
                delimiter=str(written["delimiter"]).replace("\\t", "\t"),
                header=not written["no_header"],
                encoding=str(written["encoding"]),
            )
        case "parquet":
            return Tabular.from_parquet_files(given)
        case "json-lines":
            return Tabular.from_json_lines_files(given)
        case "files":
            return Files.from_files(given)
    files = select(given)
    return DatasetDraft(files, format_of(files.paths))
