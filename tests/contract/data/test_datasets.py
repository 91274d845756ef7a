"""Data sets by names and numbers, in every way that a workspace is reached."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from modelyard import Dataset, Datastore, Workspace
from modelyard.backend.backend import Backend
from modelyard.data.datastore import NewDatastore
from modelyard.data.kinds import Folder
from modelyard.data.sets.dataset import DatasetQuery, Listing, NewDatasetVersion, Reference
from modelyard.errors import (
    DatasetChangedError,
    FilesDifferError,
    InUseError,
    InvalidReferenceError,
    InvalidValueError,
    MissingBlobError,
    ModelyardError,
    NotFoundError,
    NotTabularError,
    TableNotReadError,
)
from modelyard.models.model import DatasetUse, ModelChange, NewModelVersion
from modelyard.store.garbage import CollectGarbage
from modelyard.store.tree import Entry, Tree

Write = Callable[[str, dict[str, str]], Path]
FILES = {"a.csv": "id\n1\n", "deep/ü b.csv": "id\n2\n"}


def texts(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()}


def keep(backend: Backend, content: bytes) -> NewDatasetVersion:
    tree = Tree.of([Entry(path="f", sha256=backend.blobs.put(content), size=len(content))])
    return NewDatasetVersion(content=backend.trees.create(tree).digest)


def test_a_folder_comes_back_as_it_was_registered(workspace: Workspace, folder_of: Write, tmp_path: Path) -> None:
    source = folder_of("churn", FILES)
    (source / "a.csv").chmod(0o755)
    data = Dataset.register(workspace, "churn", source, description="who leaves", tags={"area": "sales"})

    assert (data.id, data.description, data.tags, data.info.size) == ("churn:1", "who leaves", {"area": "sales"}, 10)
    assert [entry.path for entry in data.files()] == ["a.csv", "deep/ü b.csv"]
    assert [data.download(tmp_path / "back") for _ in range(2)] == [2, 0]
    assert texts(tmp_path / "back") == FILES
    assert (tmp_path / "back/a.csv").stat().st_mode & 0o111
    (tmp_path / "back/a.csv").write_text("other")
    with pytest.raises(FilesDifferError, match=r"'a\.csv'"):
        data.download(tmp_path / "back")
    assert data.download(tmp_path / "back", overwrite=True) == 1


def test_the_same_content_is_the_version_that_is_there(workspace: Workspace, folder_of: Write) -> None:
    source = folder_of("churn", FILES)
    first = Dataset.register(workspace, "churn", source, tags={"a": "1"})
    again = Dataset.register(workspace, "churn", source, description="more", tags={"b": "2"})
    (source / "a.csv").write_text("id\n3\n")
    second = Dataset.register(workspace, "churn", source)
    (source / "a.csv").write_text(FILES["a.csv"])
    third = Dataset.register(workspace, "churn", source)

    assert (again, again.description, again.tags) == (first, "more", {"a": "1", "b": "2"})
    assert [one.version for one in (first, second, third)] == [1, 2, 3]
    assert (first.digest == third.digest, first.digest == second.digest) == (True, False)
    assert third.description == Dataset(workspace, "churn:1").description == "more"


def test_versions_are_found_by_name_number_and_content(workspace: Workspace, folder_of: Write) -> None:
    data = Dataset.register(workspace, "churn", folder_of("one", FILES))
    newer = Dataset.register(workspace, "churn", folder_of("two", {"a": "1"}))
    other = Dataset.register(workspace, "other", folder_of("one", FILES))

    assert Dataset.get_by_name(workspace, "churn") == newer == workspace.datasets["churn"]
    assert Dataset.get_by_name(workspace, "churn", 1) == Dataset.get_by_name(workspace, "churn", "1") == data
    assert Dataset.list(workspace) == [other, newer, data]
    assert Dataset.list(workspace, "churn") == [newer, data]
    same = workspace.backend.datasets.list(DatasetQuery(digest=data.digest, limit=1))
    assert ([one.id for one in same.items], same.cursor is None) == (["other:1"], False)
    with pytest.raises(NotFoundError, match="There are: churn:2, churn:1"):
        Dataset(workspace, "churn:3")
    with pytest.raises(NotFoundError, match="There are: churn"):
        Dataset(workspace, "chrun")
    with pytest.raises(InvalidValueError, match="no aliases"):
        Dataset(workspace, "churn@best")
    with pytest.raises(InvalidReferenceError):
        Dataset.get_by_name(workspace, "churn", "newest")


def test_those_who_register_at_once_get_numbers_without_a_gap(opens: Callable[[], Backend]) -> None:
    def register(number: int) -> int:
        backend = opens()
        given = backend.datasets.register("churn", keep(backend, b"%d" % (number // 2))).version  # each content twice
        backend.close()
        return given

    with ThreadPoolExecutor(6) as pool:
        given = set(pool.map(register, range(12)))
    backend = opens()
    found = backend.datasets.list(DatasetQuery(name="churn")).items
    backend.close()

    assert {one.version for one in found} == given == set(range(1, len(found) + 1))
    assert len({one.digest for one in found}) == 6
    assert all(one.digest != two.digest for one, two in itertools.pairwise(found))


def test_what_a_model_was_made_from_stays(workspace: Workspace, folder_of: Write) -> None:
    backend = workspace.backend
    data = Dataset.register(workspace, "churn", folder_of("churn", FILES))
    model = NewModelVersion(tree=data.digest, datasets=(DatasetUse(purpose="training", dataset="elsewhere:1"),))
    with pytest.raises(InvalidValueError, match="one file or one folder"):
        backend.models.register("leaver", model)
    tree = keep(backend, b"weights").content
    backend.models.register("leaver", NewModelVersion(tree=tree, datasets=model.datasets))
    backend.models.update("leaver", 1, ModelChange(datasets=(DatasetUse(purpose="test", dataset="churn:1"),)))

    with pytest.raises(InUseError, match="used by the model leaver:1"):
        data.unregister()
    backend.models.delete("leaver", 1)
    data.unregister()
    assert workspace.datasets == {}
    assert Dataset.register(workspace, "churn", folder_of("churn", FILES)).version == 2


def test_files_of_a_version_are_no_garbage_until_it_is_deleted(workspace: Workspace, folder_of: Write) -> None:
    data = Dataset.register(workspace, "churn", folder_of("churn", FILES))
    collect = CollectGarbage(older_than=-1)

    assert workspace.backend.garbage.collect(collect).blobs == 0
    data.unregister()
    assert workspace.backend.garbage.collect(collect).blobs == 4  # the profile and the tree are two
    with pytest.raises(MissingBlobError):
        workspace.backend.datasets.register("churn", NewDatasetVersion(content=data.info.content))


@pytest.fixture
def shared(workspace: Workspace, folder_of: Write) -> Datastore:
    root = folder_of("shared", {f"churn/2026/{path}": text for path, text in FILES.items()})
    return Datastore.register_folder(workspace, "shared", root)


def test_a_reference_stays_where_it_is(workspace: Workspace, shared: Datastore, folder_of: Write, tmp_path) -> None:
    data = Dataset.register(workspace, "churn", shared.path("churn/2026"))
    kept = Dataset.register(workspace, "kept", folder_of("kept", FILES))

    assert (data.info.reference, data.digest) == (Reference(datastore="shared", path="churn/2026"), kept.digest)
    assert Dataset.register(workspace, "churn", shared.path("churn/2026").as_download()) == data
    assert workspace.backend.blobs.missing([entry.sha256 for entry in data.files()]) == set()  # those of `kept`
    kept.unregister()
    workspace.backend.garbage.collect(CollectGarbage(older_than=-1))
    assert data.download(tmp_path / "back") == 2
    assert texts(tmp_path / "back") == FILES
    with pytest.raises(InUseError, match="used by the data set churn:1"):
        shared.unregister()
    data.unregister()
    shared.unregister()


@pytest.mark.parametrize(
    ("text", "there"), [("id\n4\n", "there is sha256 "), ("id\n41\n", "there is a file of 6 bytes"), (None, "nothing")]
)
def test_a_file_that_changed_where_it_stays_is_named(
    workspace: Workspace, shared: Datastore, tmp_path: Path, text: str | None, there: str
) -> None:
    data = Dataset.register(workspace, "churn", (shared, "churn/*/*.csv"))
    assert [entry.path for entry in data.files()] == ["a.csv"]
    file = tmp_path / "shared/churn/2026/a.csv"
    (file.parent / "new.csv").write_text("does not count")
    data.download(tmp_path / "before")
    if text is None:
        file.unlink()
    else:
        file.write_text(text)

    with pytest.raises(DatasetChangedError, match=r"'a\.csv' of the data set 'churn:1'.*recorded is sha256") as error:
        data.download(tmp_path / "before")
    assert there in str(error.value)
    assert "shared/churn/2026" in str(error.value)


def test_files_of_the_workspace_are_registered_without_being_read(
    workspace: Workspace, folder_of: Write, tmp_path: Path
) -> None:
    store = workspace.get_default_datastore()
    store.upload(folder_of("churn", FILES), "churn")
    data = Dataset.register(workspace, "churn", (store, "churn/**/*.csv"))
    store.delete_files("churn")
    workspace.backend.garbage.collect(CollectGarbage(older_than=-1))

    assert data.info.reference is None
    data.download(tmp_path / "back")
    assert texts(tmp_path / "back") == FILES


def test_what_cannot_be_a_version_is_refused(workspace: Workspace) -> None:
    backend = workspace.backend
    listing = backend.blobs.put(Listing.of(Tree.of([Entry(path="f", sha256="0" * 64)])).encode())
    tree = keep(backend, b"1").content
    empty = backend.trees.create(Tree.of([Entry(path="a", kind="folder")])).digest
    hostile = b'{"listed":[{"path":"../up","sha256":"%s"}]}' % (b"0" * 64)
    away = Reference(datastore="workspaceblobstore")
    for new, code in (
        (NewDatasetVersion(content=listing), "invalid-value"),
        (NewDatasetVersion(content=listing, reference=Reference(datastore="none")), "not-found"),
        (NewDatasetVersion(content=tree, reference=away), "invalid-value"),
        (NewDatasetVersion(content=empty), "invalid-value"),
        (NewDatasetVersion(content="0" * 64), "missing-blob"),
        (NewDatasetVersion(content=backend.blobs.put(hostile), reference=away), "invalid-path"),
        (NewDatasetVersion(content=tree, tags={"": "x"}), "invalid-value"),
        (NewDatasetVersion(content=tree, profile=tree), "invalid-value"),
    ):
        with pytest.raises(ModelyardError) as error:
            backend.datasets.register("churn", new)
        assert error.value.code == code, error.value
    backend.datastores.register("gone", NewDatastore(kind=Folder(path="/nowhere")))
    assert backend.datasets.list(DatasetQuery()).items == ()


def test_a_table_is_profiled_when_it_is_registered_and_read_later(workspace: Workspace, folder_of: Write) -> None:
    data = Dataset.register(workspace, "churn", folder_of("churn", FILES))

    assert (data.info.rows, data.info.columns, data.profile().columns[0].mean) == (2, 1, 1.5)
    assert list(data.take(1)) == [{"id": 1}]
    assert list(data.to_pandas_dataframe()["id"]) == [1, 2]
    assert data.to_arrow().column_names == ["id"]
    files = Dataset.File.from_files(folder_of("churn", {})).register(workspace, "churn")
    assert (files.version, files.digest == data.digest) == (2, True)
    for call in (files.profile, files.to_table, lambda: files.take(1)):
        with pytest.raises(NotTabularError, match=r"'churn:2' is files.*from_delimited_files"):
            call()
    assert files.diff(data).rows is None


def test_a_table_that_cannot_be_read_is_not_registered(workspace: Workspace, folder_of: Write) -> None:
    source = folder_of("churn", {"a.csv": "id\n1\n", "b.csv": "other\n1\n"})
    with pytest.raises(TableNotReadError, match=r"'b\.csv'.*not those of 'a\.csv'.*Dataset\.File\.from_files"):
        Dataset.register(workspace, "churn", source)
    assert workspace.datasets == {}


def test_two_versions_are_compared(workspace: Workspace, folder_of: Write) -> None:
    source = folder_of("churn", FILES)
    first = Dataset.register(workspace, "churn", source)
    for path in FILES:
        (source / path).write_text("id,name\n1,ann\n4,bob\n")
    second = Dataset.register(workspace, "churn", source)
    found = first.diff(2)

    assert (found.changed, found.rows, found.columns_added) == (tuple(FILES), (2, 4), ("name",))
    assert found.columns_changed[0].differs == ("count", "max", "mean", "std", "quantiles")
    assert first.diff(first).is_empty
    assert second.diff(1).columns_removed == ("name",)


def test_a_table_on_a_datastore_is_read_and_compared_with_what_was_recorded(
    workspace: Workspace, shared: Datastore, tmp_path: Path
) -> None:
    draft = Dataset.Tabular.from_delimited_files((shared, "churn/**/*.csv"))
    data = draft.register(workspace, "churn", tags={"a": 1})

    assert (list(draft.take(5)), draft.profile()) == (list(data.to_table()), data.profile())
    assert data.tags == {"a": "1"}
    (tmp_path / "shared/churn/2026/a.csv").write_text("id\n9\n")
    with pytest.raises(DatasetChangedError, match=r"'a\.csv'"):
        data.to_table()  # though it is in the cache


def test_a_table_is_read_as_it_was_said_to_be_written(workspace: Workspace, folder_of: Write) -> None:
    source = folder_of("odd", {"a.txt": "1;ü\n2;-\n", "b.jsonl": '{"a": 1}\n'})
    draft = Dataset.Tabular.from_delimited_files(source / "*.txt", delimiter=";", header=False, missing=["-"])
    rows = [{"column1": 1, "column2": "ü"}, {"column1": 2, "column2": None}]

    assert list(draft.register(workspace, "odd").to_table()) == list(draft.to_table()) == rows
    lines = Dataset.Tabular.from_json_lines_files(source / "b.jsonl").register(workspace, "odd")
    assert (lines.version, list(lines.to_table())) == (2, [{"a": 1}])
    pq.write_table(lines.to_arrow(), source / "c.parquet")
    assert Dataset.Tabular.from_parquet_files(source / "c.parquet").register(workspace, "other").info.rows == 1


def test_a_version_is_given_to_a_step(workspace: Workspace, folder_of: Write, tmp_path: Path) -> None:
    data = Dataset.register(workspace, "2026-churn", folder_of("churn", FILES))

    assert (data.as_input().name, data.as_mount().mode, data.as_download().mode) == ("_2026_churn", "mount", "download")
    given = data.as_named_input("training").as_download().as_mount()
    assert (given.name, given.mode) == ("training", "mount")
    assert texts(given.materialise(tmp_path / "step")) == FILES
    with pytest.raises(InvalidValueError, match="does not begin with a digit"):
        data.as_input("2026")
