"""A model's files as a tree of one entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import InvalidPathError, InvalidValueError
from modelyard.models.packing import keep_model, tree_below
from modelyard.store.blobs import BlobFolder
from modelyard.store.tree import Entry


@pytest.fixture
def blobs(tmp_path):
    return BlobFolder(tmp_path / "blobs")


def test_a_file_is_a_tree_of_its_name(tmp_path, blobs):
    (tmp_path / "model.pkl").write_bytes(b"1")
    assert list(keep_model(tmp_path / "model.pkl", blobs).files) == ["model.pkl"]


def test_a_folder_is_a_tree_below_its_name(tmp_path, blobs, monkeypatch):
    (tmp_path / "net" / "empty").mkdir(parents=True)
    (tmp_path / "net" / "a").write_bytes(b"1")
    (tmp_path / "net" / "b").symlink_to("a")
    tree = keep_model(f"{tmp_path}/net/", blobs)
    assert [(one.path, one.kind) for one in tree.entries] == [
        ("net/a", "file"),
        ("net/b", "link"),
        ("net/empty", "folder"),
    ]
    monkeypatch.chdir(tmp_path / "net" / "empty")
    assert keep_model("..", blobs) == tree
    monkeypatch.chdir(tmp_path / "net")
    assert keep_model(".", blobs) == tree


def test_a_name_given_to_a_link_is_kept(tmp_path, blobs):
    (tmp_path / "v3.pkl").write_bytes(b"1")
    (tmp_path / "latest.pkl").symlink_to("v3.pkl")
    assert list(keep_model(tmp_path / "latest.pkl", blobs).files) == ["latest.pkl"]


def test_a_link_that_leaves_the_folder_is_refused(tmp_path, blobs):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "a").write_bytes(b"1")
    (tmp_path / "net" / "out").symlink_to("../secret")
    with pytest.raises(InvalidPathError, match="outside"):
        keep_model(tmp_path / "net", blobs)


ENTRIES = [Entry(path=path, sha256="0" * 64, size=1) for path in ("out/a", "out/net/b", "out/net/c/d", "out/network")]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("out/a", ["a"]),
        ("out/net", ["net/b", "net/c/d"]),
        ("out/net/c", ["c/d"]),
        ("out", ["out/a", "out/net/b", "out/net/c/d", "out/network"]),
    ],
)
def test_what_lies_at_a_path_becomes_a_tree_of_its_name(path, expected):
    assert list(tree_below(path, ENTRIES).files) == expected


@pytest.mark.parametrize("path", ["none", "out/ne", "out/a/b", ""])
def test_nothing_at_a_path_is_an_error(path):
    with pytest.raises(InvalidValueError, match="no file"):
        tree_below(path, ENTRIES)


@given(
    st.sets(st.text("ab/", min_size=1, max_size=6).filter(lambda p: "//" not in p and p == p.strip("/")), min_size=1)
)
def test_each_folder_gives_a_tree_with_one_entry(paths):
    leaves = [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]
    entries = [Entry(path=f"top/{path}", sha256="0" * 64, size=1) for path in leaves]
    assert {one.path.partition("/")[0] for one in tree_below("top", entries).entries} == {"top"}
