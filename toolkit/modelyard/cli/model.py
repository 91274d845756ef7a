"""``modelyard model``: register, find, look at, fetch, convert and delete versions of models."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.model_table import print_aliases, print_model, print_models, print_moves
from modelyard.cli.output import as_json, dry_run, opened, print_json, progress, spinner, where
from modelyard.cli.pairs import read_pairs
from modelyard.models.model import ModelQuery
from modelyard.sdk.model.model import Model


@click.group(name="model")
def command() -> None:
    """Register, find, look at, fetch, convert and delete versions of models.

    A MODEL is NAME (its highest version), NAME:VERSION or NAME@ALIAS.
    """


@command.command()
@click.argument("path", type=click.Path(exists=True))
@click.option("-n", "--name", required=True, metavar="NAME", help="The model's name.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="May be given again.")
@click.option("--property", "properties", multiple=True, metavar="KEY=VALUE", help="Never changes; may be given again.")
@click.option("--description", default="", help="What it is, in words.")
@click.option("--framework", metavar="NAME", help="What made it, such as scikit-learn.")
@click.option("--framework-version", metavar="VERSION")
@click.option("--run", "run_id", metavar="RUN", help="The run that made it.")
@click.option("--environment", metavar="NAME", help="A registered environment; by default what is installed here.")
@click.option("--alias", metavar="ALIAS", help="Let this alias point to the new version.")
@dry_run
@where
@as_json
def register(path: str, where: str | None, dry_run: bool, as_json: bool, **said: Any) -> None:
    """Register the file or folder PATH as the next version of a model.

    \b
    Example:
      modelyard model register outputs/model.pkl --name digits --tag data=mnist --alias challenger
    """
    name, alias = said.pop("name"), said.pop("alias")
    said |= {name: read_pairs(name, said[name]) for name in ("tags", "properties")}
    with opened(where) as workspace:
        if dry_run:
            following = _following(workspace.backend.models.list(ModelQuery(name=name, limit=1)).items)
            click.echo(f"Would register {path} as {name}, {following}")
            return
        with progress("Keeping") as bar:
            model = Model.register(workspace, path, name, **said, seen=lambda file, size: bar(size, file))
        if alias is not None:
            model.set_alias(alias)
        if as_json:
            print_json(workspace.backend.models.get(model.id))
        else:
            click.echo(f"Registered {model.id} ({model.info.files} files, {model.info.size:,} bytes)")


@command.command("list")
@click.argument("name", required=False)
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only versions with this; again for more.")
@click.option("--property", "properties", multiple=True, metavar="KEY[=VALUE]", help="The same for properties.")
@click.option("--run", "run_id", metavar="RUN", help="Only what this run made.")
@click.option("--framework", metavar="NAME", help="Only what this framework made.")
@click.option("--latest", is_flag=True, help="Only the highest version of each name.")
@click.option("--limit", default=30, show_default=True, metavar="N", help="Show so many.")
@where
@as_json
def list_(name: str | None, where: str | None, as_json: bool, **filters: Any) -> None:
    """List versions of models, the newest first, all or those of NAME.

    \b
    Example:
      modelyard model list --tag data=mnist --latest
    """
    with opened(where) as workspace:
        found = [model.info for model in Model.list(workspace, name, **filters)]
    if as_json:
        print_json(found)
    else:
        print_models(found)


@command.command()
@click.argument("model")
@where
@as_json
def show(model: str, where: str | None, as_json: bool) -> None:
    """Show MODEL: what it takes and gives, and the run, source, environment and data that it came from.

    \b
    Example:
      modelyard model show digits:3
    """
    with opened(where) as workspace:
        found = Model.get(workspace, model)
        if as_json:
            print_json({"model": found.info, "lineage": found.lineage()})
        else:
            print_model(found)


@command.command()
@click.argument("model")
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option("--exist-ok", is_flag=True, help="Replace files that are there.")
@dry_run
@where
def download(model: str, folder: str, exist_ok: bool, dry_run: bool, where: str | None) -> None:
    """Write the file or folder of MODEL into FOLDER, every digest checked.

    \b
    Example:
      modelyard model download digits@champion ./served
    """
    with opened(where) as workspace:
        found = Model.get(workspace, model)
        if dry_run:
            click.echo(f"Would write {folder}/{found.info.entry} of {found.id} ({found.info.size:,} bytes)")
            return
        with spinner(f"Downloading {found.id}"):
            click.echo(f"Wrote {found.download(folder, exist_ok)} of {found.id}")


@command.command()
@click.argument("model")
@click.argument("alias")
@click.option("--why", default="", metavar="TEXT", help="Kept with the move.")
@click.option("--remove", is_flag=True, help="Remove the alias.")
@dry_run
@where
def alias(model: str, alias: str, why: str, remove: bool, dry_run: bool, where: str | None) -> None:
    """Let ALIAS point to MODEL, wherever it pointed before.

    \b
    Example:
      modelyard model alias digits:3 champion --why "better on the new data"
    """
    with opened(where) as workspace:
        found = Model.get(workspace, model)
        done = f"remove the alias {found.name}@{alias}" if remove else f"let {found.name}@{alias} point to {found.id}"
        if dry_run:
            click.echo(f"Would {done}")
            return
        if remove:
            found.remove_alias(alias, why=why)
        else:
            found.set_alias(alias, why=why)
        click.echo(f"Done: {done}")


@command.command()
@click.argument("name")
@click.option("--history", is_flag=True, help="Show every move: who, when, from where to where, why.")
@where
@as_json
def aliases(name: str, history: bool, where: str | None, as_json: bool) -> None:
    """List the aliases of the model NAME, or how they were moved.

    \b
    Example:
      modelyard model aliases digits --history
    """
    with opened(where) as workspace:
        found = workspace.backend.model_aliases.list(name).items
        moves = Model(workspace, name).alias_history() if history else []
    if as_json:
        print_json(moves if history else found)
    elif history:
        print_moves(moves)
    else:
        print_aliases(found)


@command.command()
@click.argument("model")
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be given again.")
@dry_run
@where
def tag(model: str, tags: tuple[str, ...], remove: tuple[str, ...], dry_run: bool, where: str | None) -> None:
    """Set tags of MODEL, or remove some.

    \b
    Example:
      modelyard model tag digits:3 reviewed=yes --remove draft
    """
    pairs = read_pairs("tag", tags)
    with opened(where) as workspace:
        found = Model.get(workspace, model)
        if dry_run:
            click.echo(f"Would set {pairs} and remove {list(remove)} of {found.id}")
            return
        if remove:
            found.remove_tags(remove)
        if pairs:
            found.add_tags(pairs)
        click.echo(f"{found.id} has the tags {found.tags}")


@command.command()
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run
@where
def delete(model: str, yes: bool, dry_run: bool, where: str | None) -> None:
    """Delete the version MODEL; its number is not given again.

    \b
    Example:
      modelyard model delete digits:2 --dry-run
    """
    with opened(where) as workspace:
        found = Model.get(workspace, model)
        if dry_run:
            click.echo(f"Would delete {found.id} ({found.info.size:,} bytes)")
        elif yes or click.confirm(f"Delete {found.id}?", err=True):
            found.delete()
            click.echo(f"Deleted {found.id}")


@command.command()
@click.argument("model")
@where
@as_json
def certificate(model: str, where: str | None, as_json: bool) -> None:
    """Print what was measured when MODEL was converted to ONNX.

    \b
    Example:
      modelyard model certificate digits:3
    """
    with opened(where) as workspace:
        found = Model.get(workspace, model)
        proof = found.certificate
    if as_json:
        print_json(proof)
    else:
        click.echo(proof if proof is not None else f"{found.id} was not converted: it has no certificate.")


@command.command()
@click.argument("model")
@click.option("--sample", required=True, type=click.Path(exists=True), metavar="FILE", help="Rows: .npy or .csv.")
@click.option("-n", "--name", metavar="NAME", help="Register under this name, by default that of MODEL.")
@click.option("--trust", is_flag=True, help="You trust who registered MODEL: its pickle is read, which runs its code.")
@click.option("--accept", is_flag=True, help="Take the nearest model although it answers otherwise.")
@where
def convert(model: str, sample: str, where: str | None, **how: Any) -> None:
    """Convert the scikit-learn estimator in MODEL to ONNX, and register that as a new version.

    \b
    Example:
      modelyard model convert digits:3 --sample rows.npy --trust
    """
    with opened(where) as workspace:
        found = Model.get(workspace, model)
        with spinner(f"Converting {found.id}"):
            made = found.to_onnx(_rows(sample), **how)
        click.echo(made.certificate)
        click.echo(f"Registered {made.id}")


def _following(newest: tuple[Any, ...]) -> str:
    return f"a version after {newest[0].id}" if newest else "its first version"


def _rows(file: str) -> Any:
    if file.endswith(".npy"):
        import numpy as np

        return np.load(file, allow_pickle=False)
    import pandas as pd

    return pd.read_csv(file)
