"""Reach a SQL database, with its credentials read now."""

from __future__ import annotations

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from modelyard.data.credentials import resolve
from modelyard.data.errors import DatastoreFailedError
from modelyard.data.kinds import Sql


def reach(name: str, kind: Sql) -> None:
    """Ask a database for ``SELECT 1``.

    Raises
    ------
    CredentialMissingError
        If a credential is not where its reference says.
    DatastoreFailedError
        If it does not answer, or its driver is not installed.
    """
    url = make_url(kind.url)
    if kind.username is not None:
        url = url.set(username=resolve("username", kind.username).reveal())
    password = None if kind.password is None else resolve("password", kind.password).reveal()
    if password is not None:
        url = url.set(password=password)
    try:
        with create_engine(url, poolclass=NullPool, hide_parameters=True).connect() as connection:
            connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, ImportError, ArgumentError, NoSuchModuleError) as error:
        said = str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
        reason = f"install its driver: {said}" if isinstance(error, ImportError | NoSuchModuleError) else said
        raise DatastoreFailedError(name, reason.replace(password, "***") if password else reason) from None
