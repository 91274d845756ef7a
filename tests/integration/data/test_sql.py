"""Databases that answer, and that do not."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from modelyard import Datastore, Workspace
from modelyard.errors import DatastoreFailedError


def test_a_database_is_reached_with_its_credentials(
    workspace: Workspace, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(postgres_url)
    assert url.password is not None
    assert url.username is not None
    monkeypatch.setenv("SALES_USER", url.username)
    monkeypatch.setenv("SALES_PASSWORD", url.password)
    bare = f"postgresql+psycopg://{url.host}:{url.port}/{url.database}"
    store = Datastore.register_sql_database(
        workspace, "sales", bare, username="env:SALES_USER", password="env:SALES_PASSWORD"
    )
    store.reach()

    monkeypatch.setenv("SALES_PASSWORD", "wrong-and-secret")
    with pytest.raises(DatastoreFailedError, match="'sales' failed") as error:
        store.reach()
    assert "wrong-and-secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:////nowhere/at/all.db", "unable to open"),
        ("postgresql+psycopg://127.0.0.1:1/sales", "connection"),
        ("oracle+oracledb://127.0.0.1/sales", "install its driver"),
        ("nosuch://127.0.0.1/sales", "install its driver"),
    ],
)
def test_a_database_that_does_not_answer_is_said(workspace: Workspace, url: str, reason: str) -> None:
    with pytest.raises(DatastoreFailedError, match=reason):
        Datastore.register_sql_database(workspace, "sales", url).reach()


def test_files_are_reached_too(workspace: Workspace, tmp_path: Path) -> None:
    workspace.get_default_datastore().reach()
    Datastore.register_folder(workspace, "shared", tmp_path).reach()
