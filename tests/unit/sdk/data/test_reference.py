from pathlib import Path

import pytest

from modelyard import DataReference, Datastore, Workspace
from modelyard.errors import InvalidPathError, InvalidValueError, NotFoundError
from modelyard.sdk.data.reference import DataPath


@pytest.fixture
def store(tmp_path: Path) -> Datastore:
    return Workspace.create("tests", path=tmp_path).get_default_datastore()


def test_a_reference_is_made_as_users_know_it(store: Datastore) -> None:
    made = DataReference(datastore=store, data_reference_name="test_data", path_on_datastore="20newsgroups/20news.pkl")

    assert (made.mode, str(made)) == ("mount", "$AZUREML_DATAREFERENCE_test_data")
    assert [one.mode for one in (made.as_download(), made.as_upload(), made.as_mount())] == [
        "download",
        "upload",
        "mount",
    ]
    assert made.as_download().as_mount() == made


def test_a_name_is_made_of_the_path(store: Datastore) -> None:
    made = DataReference(store, path_on_datastore="a/20news.pkl/")
    assert (made.data_reference_name, made.path_on_datastore) == ("_20news_pkl", "a/20news.pkl")
    assert DataReference(store).data_reference_name == "workspaceblobstore"
    assert made.path("b").path_on_datastore == "a/20news.pkl/b"
    assert made.path("b").data_reference_name == "b"


def test_a_path_becomes_a_reference(store: Datastore) -> None:
    path = store.path("a").path("b/c")
    assert path == DataPath(store, "a/b/c")
    assert path.as_upload() == DataReference(store, "c", "a/b/c", "upload")
    assert (store.as_mount().mode, store.as_download().mode, store.as_upload().path_on_datastore) == (
        "mount",
        "download",
        "",
    )


def test_what_cannot_be_is_refused_when_it_is_made(store: Datastore) -> None:
    with pytest.raises(InvalidValueError, match="get_default_datastore"):
        DataReference("workspaceblobstore")
    with pytest.raises(InvalidValueError, match="'mount', 'download', 'upload'"):
        DataReference(store, mode="copy")
    with pytest.raises(InvalidValueError, match="such as 'test_data'"):
        DataReference(store, "test data")
    with pytest.raises(InvalidPathError):
        DataPath(store, "../a")
    with pytest.raises(InvalidPathError):
        store.path("a").path("..")


def test_what_is_not_there_is_said(store: Datastore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing/here in the datastore workspaceblobstore"):
        store.path("nothing/here").as_mount().materialise(tmp_path)
