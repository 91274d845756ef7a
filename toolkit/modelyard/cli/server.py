"""``modelyard server``: serve a workspace over HTTP, and say who may call.

``MODELYARD_DATABASE`` (where the rows of a served workspace are, if not in its folder: ``postgresql://…``; a variable
keeps the password out of the list of processes).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, print_json, print_table
from modelyard.errors import InvalidValueError, MissingExtraError
from modelyard.location import find
from modelyard.settings import Settings

_workspace = click.option(
    "-w", "--workspace", "where", metavar="FOLDER", envvar="MODELYARD_WORKSPACE", help="By default the nearest one."
)
_database = click.option(
    "--database", metavar="URL", envvar="MODELYARD_DATABASE", help="Where the rows are, if not in the folder."
)


@click.group(name="server")
def command() -> None:
    """Serve a workspace over HTTP, and say who may call."""


@command.command()
@_workspace
@_database
@click.option("--name", help="Make the workspace under this name if there is none.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8630, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="A name that clients call it by; repeatable."
)
@click.option("--behind-proxy", is_flag=True, help="A proxy in front encrypts.")
@click.option("--certificate", type=click.Path(path_type=Path, exists=True), help="Encrypt: a PEM file.")
@click.option("--key", type=click.Path(path_type=Path, exists=True), help="The certificate's key, a PEM file.")
@click.option("--threads", default=16, show_default=True, type=click.IntRange(1, 256), help="Requests at a time.")
@click.option("--runner/--no-runner", default=True, help="Run what callers deploy on this machine (the default).")
@as_json
def start(where: str | None, as_json: bool, **options: Any) -> None:
    """Serve a workspace until stopped; the first time an owner's token is printed, once.

    What callers deploy runs on this machine, as long as the server has a runner; other machines may have runners too.

    \b
    Example:
      modelyard server start --port 8630
    """
    with _server_extra():
        from modelyard.server.serve import Serving, Started, serve

    def say(started: Started) -> None:
        if as_json:
            print_json(started)
            return
        click.echo(f"The workspace {started.workspace} is served at {started.url}")
        if started.token is not None:
            click.echo(f"An owner's token, shown this once: {started.token}")

    serve(Serving(root=_folder(where, options["name"]), **options), say)


@command.group()
def token() -> None:
    """Make, list and revoke tokens."""


@token.command("create")
@click.argument("name")
@click.option("--role", default="contributor", show_default=True, type=click.Choice(["reader", "contributor", "owner"]))
@click.option("--days", default=90, show_default=True, help="How long it is valid.")
@_workspace
@_database
@as_json
def create_token(where: str | None, database: str | None, as_json: bool, **new: Any) -> None:
    """Make a token, and print its secret this one time.

    \b
    Example:
      modelyard server token create ci --role contributor --days 30
    """
    with _tokens(where, database) as tokens:
        from modelyard.server.access import NewToken

        issued = tokens.create(NewToken(**new))
    if as_json:
        print_json(issued)
    else:
        click.echo(issued.secret)
        click.echo(f"Valid until {issued.token.expires:%Y-%m-%d %H:%M} UTC. It is not shown again.", err=True)


@token.command("list")
@_workspace
@_database
@as_json
def list_tokens(where: str | None, database: str | None, as_json: bool) -> None:
    """List the tokens, without their secrets.

    \b
    Example:
      modelyard server token list
    """
    with _tokens(where, database) as tokens:
        found = tokens.list().items
    if as_json:
        print_json(found)
    else:
        rows = [(one.name, one.role, f"{one.created:%Y-%m-%d}", f"{one.expires:%Y-%m-%d}") for one in found]
        print_table(("NAME", "ROLE", "CREATED", "EXPIRES"), rows, "There are no tokens.")


@token.command("delete")
@click.argument("name")
@_workspace
@_database
@dry_run
def delete_token(where: str | None, database: str | None, name: str, dry_run: bool) -> None:
    """Revoke a token at once.

    \b
    Example:
      modelyard server token delete ci
    """
    with _tokens(where, database) as tokens:
        if dry_run:
            click.echo(f"Would delete the token {tokens.get(name).name}")
        else:
            tokens.delete(name)
            click.echo(f"Deleted the token {name}")


@contextmanager
def _tokens(where: str | None, database: str | None) -> Iterator[Any]:
    with _server_extra():
        from modelyard.server.access import Tokens
    from modelyard.store.store import Store

    store = Store.open(_folder(where, None), database)
    try:
        yield Tokens(store)
    finally:
        store.close()


@contextmanager
def _server_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "server") from None


def _folder(where: str | None, name: str | None) -> Path:
    """Find the workspace's folder; one that is to be made is made where it was told, or here."""
    from modelyard.location import FOLDER, is_workspace

    if where is None:
        where = FOLDER if name is not None else find(Path(), None, Settings.read())
    if where.startswith(("http://", "https://")):
        raise InvalidValueError(where, "is served already; name the folder of a workspace on this machine")
    below = Path(where) / FOLDER
    return (below if is_workspace(below) else Path(where)).resolve()
