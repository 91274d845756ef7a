"""``modelyard datastore register``: a command for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from modelyard.cli.output import dry_run, opened, where
from modelyard.sdk.data.datastore import Datastore

F = TypeVar("F", bound=Callable[..., Any])


@click.group(name="register")
def register() -> None:
    """Give a place where data is kept a name.

    A REFERENCE says where a credential is, never what it is: env:NAME, file:/absolute/path or keyring:SERVICE/USER.
    """


description = click.option("--description", default="", help="What it is, in words.")
overwrite = click.option("--overwrite", is_flag=True, help="Take the place of a datastore of that name.")
prefix = click.option("--prefix", default="", metavar="PATH", help="Keep everything below this path.")
endpoint = click.option("--endpoint", metavar="URL", help="Of the store, if not that of the public cloud.")


def how(command: F) -> F:
    """Give a command the options that all have."""
    return description(overwrite(dry_run(where(command))))


def secret(name: str) -> Callable[[F], F]:
    """Give a command an option that says where a credential is."""
    return click.option(name, metavar="REFERENCE", help="Where it is; it is read where and when it is used.")


@register.command()
@click.argument("name")
@click.argument("path", type=click.Path(exists=True, file_okay=False))
@how
def folder(name: str, **given: Any) -> None:
    """Register the folder PATH of this machine as NAME.

    \b
    Example:
      modelyard datastore register folder shared /srv/data
    """
    _register(Datastore.register_folder, name, given)


@register.command("azure-blob")
@click.argument("name")
@click.argument("container_name", metavar="CONTAINER")
@click.argument("account_name", metavar="ACCOUNT")
@secret("--account-key")
@secret("--sas-token")
@prefix
@endpoint
@how
def azure_blob(name: str, **given: Any) -> None:
    """Register a container of Azure Blob as NAME.

    \b
    Example:
      modelyard datastore register azure-blob training images myaccount --account-key env:STORAGE_KEY
    """
    _register(Datastore.register_azure_blob_container, name, given)


@register.command()
@click.argument("name")
@click.argument("bucket")
@click.option("--region", metavar="REGION")
@secret("--access-key-id")
@secret("--secret-access-key")
@prefix
@endpoint
@how
def s3(name: str, **given: Any) -> None:
    """Register a bucket of S3, or of a store that speaks as it does, as NAME.

    \b
    Example:
      modelyard datastore register s3 training images --region eu-central-1 --endpoint https://minio.example.com
    """
    _register(Datastore.register_s3_bucket, name, given)


@register.command()
@click.argument("name")
@click.argument("bucket")
@secret("--service-account-key")
@prefix
@how
def gcs(name: str, **given: Any) -> None:
    """Register a bucket of Google Cloud Storage as NAME.

    \b
    Example:
      modelyard datastore register gcs training images --service-account-key file:/run/secrets/gcs.json
    """
    _register(Datastore.register_gcs_bucket, name, given)


@register.command()
@click.argument("name")
@click.argument("url")
@secret("--username")
@secret("--password")
@how
def sql(name: str, **given: Any) -> None:
    """Register the SQL database at URL, which has no password in it, as NAME.

    \b
    Example:
      modelyard datastore register sql sales postgresql+psycopg://me@db:5432/sales --password env:SALES_PASSWORD
    """
    _register(Datastore.register_sql_database, name, given)


def _register(call: Callable[..., Datastore], name: str, given: dict[str, Any]) -> None:
    where, dry_run = given.pop("where"), given.pop("dry_run")
    if dry_run:
        click.echo(f"Would register {name}")
        return
    with opened(where) as workspace:
        call(workspace, name, **given)
    click.echo(f"Registered {name}")
