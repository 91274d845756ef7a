"""Datastores by their names, in every way that a workspace is reached."""

from pathlib import Path

import pytest

from modelyard import Datastore, Workspace
from modelyard.data.access import LocalFile
from modelyard.data.datastore import NewDatastore
from modelyard.data.files import NewStoredFile, NewStoredFiles
from modelyard.data.kinds import AzureBlob, Folder, Sql, WorkspaceFiles
from modelyard.errors import (
    AlreadyExistsError,
    CredentialReferenceError,
    DigestMismatchError,
    FilesDifferError,
    FolderMissingError,
    InvalidValueError,
    MissingBlobError,
    ModelyardError,
    NotFoundError,
    StateError,
)
from modelyard.store.garbage import CollectGarbage


def test_a_workspace_begins_with_two_and_one_is_the_default(workspace: Workspace) -> None:
    assert list(workspace.datastores) == ["workspaceblobstore", "workspacefilestore"]
    assert workspace.get_default_datastore().name == "workspaceblobstore"
    assert repr(Datastore.get(workspace, "workspacefilestore")) == "Datastore('workspacefilestore', 'workspace')"
    with pytest.raises(NotFoundError, match="There are: workspaceblobstore"):
        Datastore(workspace, "workspaceblopstore")


def test_a_folder_is_registered_used_and_forgotten(workspace: Workspace, tmp_path: Path) -> None:
    store = Datastore.register_folder(workspace, "training", tmp_path, description="ours")
    (tmp_path / "a").write_text("1")
    workspace.set_default_datastore("training")

    assert workspace.get_default_datastore() == store == workspace.datastores["training"]
    assert (store.info.kind, store.info.description) == (Folder(path=str(tmp_path)), "ours")
    with pytest.raises(StateError, match="make another the default"):
        store.unregister()
    workspace.set_default_datastore("workspaceblobstore")
    store.unregister()
    assert "training" not in workspace.datastores
    assert (tmp_path / "a").exists()


def test_a_name_is_taken_once_unless_it_is_replaced(workspace: Workspace, tmp_path: Path) -> None:
    Datastore.register_folder(workspace, "training", tmp_path)
    (tmp_path / "other").mkdir()

    with pytest.raises(AlreadyExistsError, match="overwrite=True"):
        Datastore.register_folder(workspace, "training", tmp_path / "other")
    replaced = Datastore.register_folder(workspace, "training", tmp_path / "other", overwrite=True)
    assert replaced.info.kind == Folder(path=str(tmp_path / "other"))


def test_what_every_workspace_has_stays(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="every workspace has: it cannot be unregistered"):
        Datastore(workspace, "workspacefilestore").unregister()
    with pytest.raises(StateError, match="cannot be registered anew"):
        Datastore.register_folder(workspace, "workspacefilestore", tmp_path, overwrite=True)
    with pytest.raises(InvalidValueError, match="no others"):
        workspace.backend.datastores.register("third", NewDatastore(kind=WorkspaceFiles()))


def test_a_folder_has_to_be_there(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(FolderMissingError, match="not on this machine"):
        Datastore.register_folder(workspace, "training", tmp_path / "none")
    workspace.backend.datastores.register("training", NewDatastore(kind=Folder(path="/nowhere")))
    with pytest.raises(FolderMissingError, match="/nowhere"):
        Datastore(workspace, "training").list()
    for wrong in ("data", "/a/../b"):
        with pytest.raises(InvalidValueError, match="absolute path"):
            workspace.backend.datastores.register("other", NewDatastore(kind=Folder(path=wrong)))


def test_files_of_the_workspace_are_no_garbage_until_they_are_deleted(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("data")
    store = workspace.get_default_datastore()
    store.upload_files([tmp_path / "f"])
    sha256 = store.list()[0].sha256
    collect = CollectGarbage(older_than=-1)

    assert workspace.backend.garbage.collect(collect).blobs == 0
    store.delete_files("f")
    assert workspace.backend.garbage.collect(collect).blobs == 1
    new = NewStoredFiles(files=(NewStoredFile(path="f", sha256=str(sha256), size=4),))
    with pytest.raises(MissingBlobError):
        workspace.backend.stored_files.add(store.name, new)


def test_bytes_that_come_along_are_those_of_the_digest(workspace: Workspace) -> None:
    file = NewStoredFile(path="f", sha256="0" * 64, size=4, data=b"data")
    with pytest.raises(DigestMismatchError, match="f is damaged"):
        workspace.backend.stored_files.add("workspaceblobstore", NewStoredFiles(files=(file,)))
    assert Datastore(workspace, "workspaceblobstore").list() == []


def test_a_thousand_small_files_go_in_one_call(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(1001):
        (tmp_path / f"many/f{number:04}").write_text(str(number))
    store = workspace.get_default_datastore()
    calls: list[int] = []
    add = workspace.backend.stored_files.add
    workspace.backend.stored_files.add = lambda name, new: calls.append(len(new.files)) or add(name, new)
    store.upload(tmp_path / "many", "many")

    assert calls == [1000, 1]
    assert [len(store.list(prefix)) for prefix in ("many", "many/f1000")] == [1001, 1]


def test_what_comes_meanwhile_is_not_replaced_unasked(workspace: Workspace, tmp_path: Path) -> None:
    store = workspace.get_default_datastore()
    for text in ("one", "two"):
        (tmp_path / text).write_text(text)
    files = [LocalFile.at(tmp_path / text, "same") for text in ("one", "two")]
    list(store.access.write(files[:1], replace=False))

    with pytest.raises(FilesDifferError, match="workspaceblobstore"):
        list(store.access.write(files[1:], replace=False))


def test_only_files_of_the_workspace_are_kept_by_it(workspace: Workspace, tmp_path: Path) -> None:
    Datastore.register_folder(workspace, "training", tmp_path)
    with pytest.raises(StateError, match="files are elsewhere"):
        workspace.backend.stored_files.add("training", NewStoredFiles(files=()))
    too_many = NewStoredFiles(files=tuple(NewStoredFile(path=f"f{n}", sha256="0" * 64, size=0) for n in range(1001)))
    with pytest.raises(InvalidValueError, match="at most 1000"):
        workspace.backend.stored_files.add("workspaceblobstore", too_many)


def test_object_stores_are_registered_with_references_alone(workspace: Workspace) -> None:
    azure = Datastore.register_azure_blob_container(
        workspace, "images", "container", "account", sas_token="env:SAS", prefix="a/b", description="ours"
    )
    assert azure.info.kind == AzureBlob(container="container", account="account", sas_token="env:SAS", prefix="a/b")
    assert Datastore.register_s3_bucket(workspace, "logs", "bucket", region="eu").datastore_type == "s3"
    assert Datastore.register_gcs_bucket(workspace, "more", "bucket", overwrite=True).datastore_type == "gcs"
    with pytest.raises(CredentialReferenceError, match="secret_access_key says where") as error:
        Datastore.register_s3_bucket(workspace, "other", "bucket", secret_access_key="c2VjcmV0")
    assert "c2VjcmV0" not in str(error.value)
    assert "other" not in workspace.datastores


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"bucket": "a b"}, "invalid-value"),
        ({"prefix": "a/"}, "invalid-value"),
        ({"prefix": "../a"}, "invalid-path"),
        ({"endpoint": "storage.example.com"}, "invalid-value"),
        ({"endpoint": "https://me:secret@storage.example.com"}, "credential-reference"),
        ({"endpoint": "https://storage.example.com/?sig=secret"}, "credential-reference"),
    ],
)
def test_what_an_object_store_cannot_be_is_refused(workspace: Workspace, wrong: dict[str, str], code: str) -> None:
    with pytest.raises(ModelyardError) as error:
        Datastore.register_s3_bucket(workspace, "logs", **{"bucket": "bucket", **wrong})
    assert (error.value.code, "secret" in str(error.value)) == (code, False)


def test_a_database_is_registered_without_its_password(workspace: Workspace) -> None:
    url = "postgresql+psycopg://me@127.0.0.1:1/sales"
    store = Datastore.register_sql_database(workspace, "sales", url, password="env:SALES_PASSWORD")
    assert store.info.kind == Sql(url=url, password="env:SALES_PASSWORD")
    with pytest.raises(StateError, match="a database: it cannot hold files"):
        store.list()
    for wrong, code in {
        "postgresql://me:secret@127.0.0.1/sales": "credential-reference",
        "postgresql://127.0.0.1/sales?password=secret": "credential-reference",
        "me:secret at the database": "invalid-value",
    }.items():
        with pytest.raises(ModelyardError) as error:
            Datastore.register_sql_database(workspace, "other", wrong)
        assert (error.value.code, "secret" in str(error.value)) == (code, False)
