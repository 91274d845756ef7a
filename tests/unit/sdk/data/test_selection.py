from pathlib import Path

import pytest

from modelyard import Datastore, Workspace
from modelyard.errors import InvalidPathError, InvalidValueError, NotFoundError
from modelyard.sdk.data.selection import select

NAMES = ("data/a.csv", "data/b.txt", "data/deep/c.csv", "data/[x]*.csv")


@pytest.fixture
def store(tmp_path: Path):
    for name in NAMES:
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_text(name)
    with Workspace.create("tests", path=tmp_path) as workspace:
        yield Datastore.register_folder(workspace, "shared", tmp_path / "files")


@pytest.mark.parametrize(
    ("path", "paths"),
    [
        ("data", ["[x]*.csv", "a.csv", "b.txt", "deep/c.csv"]),
        ("data/a.csv", ["a.csv"]),
        ("data/[x]*.csv", ["[x]*.csv"]),
        ("data/*.csv", ["[x]*.csv", "a.csv"]),
        ("data/**/c.csv", ["deep/c.csv"]),
    ],
)
def test_a_path_means_the_same_files_here_and_on_a_datastore(store: Datastore, tmp_path, path, paths) -> None:
    local, stored = select(tmp_path / "files" / path), select((store, path))
    assert sorted(local.paths) == paths
    if path != "data/**/c.csv":  # a datastore has the folder of what was found
        assert sorted(stored.paths) == paths
        assert stored.folder == "data"


def test_several_files_of_one_place_are_one_selection(store: Datastore, tmp_path: Path) -> None:
    assert select([store.path("data/a.csv"), (store, "data/deep")]).paths == ("a.csv", "deep/c.csv")
    files = [tmp_path / "files/data/a.csv", str(tmp_path / "files/data/b.txt")]
    assert select(files).paths == ("a.csv", "b.txt")
    with pytest.raises(InvalidValueError, match="not of several places"):
        select([store.path("data/a.csv"), *files])


def test_what_is_no_selection_is_said(store: Datastore, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"store\.path"):
        select(7)
    with pytest.raises(InvalidValueError, match="not a file that is there"):
        select(tmp_path / "none")
    for given in ((store, "data/*.parquet"), tmp_path / "files/*.csv", store.path("none")):
        with pytest.raises(NotFoundError, match="file at"):
            select(given)
    for hostile in ("../data", "/etc/passwd", "a/../../b", "a\x00"):
        with pytest.raises(InvalidPathError):
            select((store, hostile))
