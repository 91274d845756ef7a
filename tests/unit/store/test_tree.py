"""Trees: the same content has the same digest, anything else another."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import DigestMismatchError, InvalidPathError, InvalidValueError
from modelyard.store.blobs import BlobFolder
from modelyard.store.tree import Entry, Tree, materialise
from modelyard.store.trees import keep_folder

DIGEST = "0" * 64
part = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=12).filter(
    lambda text: text not in {".", ".."}
)
listing = st.dictionaries(part, st.tuples(st.binary(max_size=40), st.booleans()), max_size=8)


def _entry(path: str, **more: object) -> Entry:
    return Entry(path=path, sha256=DIGEST, **more)


@given(st.lists(part, unique=True, max_size=8), st.randoms())
def test_order_does_not_count(names: list[str], chance: object) -> None:
    entries = [_entry(name) for name in names]
    shuffled = list(entries)
    chance.shuffle(shuffled)

    assert Tree.of(shuffled).digest == Tree.of(entries).digest


@given(listing)
def test_what_is_kept_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, files: dict) -> None:
    base = tmp_path_factory.mktemp("tree")
    for name, (content, executable) in files.items():
        path = base / "in" / "below" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if executable else 0o644)
    (base / "in" / "empty").mkdir(parents=True)
    blobs = BlobFolder(base / "blobs")

    tree = keep_folder(base / "in", blobs)
    materialise(tree, blobs, base / "out")

    assert keep_folder(base / "out", blobs) == tree
    assert Tree.decode(tree.encode(), tree.digest) == tree
    assert {path.name: path.read_bytes() for path in (base / "out" / "below").glob("*")} == {
        name: content for name, (content, _) in files.items()
    }


@pytest.mark.parametrize(
    "other",
    [_entry("b"), _entry("a", executable=True), _entry("a", size=1), _entry("a/a"), Entry(path="a", sha256="1" * 64)],
)
def test_any_difference_changes_the_digest(other: Entry) -> None:
    assert Tree.of([other]).digest != Tree.of([_entry("a")]).digest


def test_two_spellings_of_one_letter_are_two_names(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    for name in names:
        (tmp_path / name).write_text(name)

    assert set(keep_folder(tmp_path, BlobFolder(tmp_path.parent / "blobs")).files) == set(names)


@pytest.mark.parametrize(
    "path",
    ["", "/a", "../a", "a/../b", "a//b", "a/", ".", "a/./b", "a\x00b", "x" * 256, "é" * 128, "\ud800"],
    ids=ascii,
)
def test_a_path_that_is_not_below_is_refused(path: str) -> None:
    with pytest.raises(InvalidPathError):
        Tree.of([_entry(path)])


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../..", "b/../../c", "", "a\x00"], ids=ascii)
def test_a_link_that_leaves_the_tree_is_refused(target: str) -> None:
    with pytest.raises(InvalidPathError, match="link"):
        Tree.of([Entry(path="a", kind="link", target=target)])


def test_a_folder_with_a_link_out_of_it_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "out").symlink_to("../secret")

    with pytest.raises(InvalidPathError, match="outside"):
        keep_folder(tmp_path / "in", BlobFolder(tmp_path / "blobs"))


def test_a_link_within_stays_a_link(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path / "blobs")
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "file").write_text("x")
    (tmp_path / "in" / "sub" / "link").symlink_to("../file")

    materialise(keep_folder(tmp_path / "in", blobs), blobs, tmp_path / "out")

    assert (tmp_path / "out" / "sub" / "link").readlink() == Path("../file")


@pytest.mark.parametrize("entries", [["a", "a"], ["a", "a/b"]])
def test_a_path_stands_once_and_nothing_lies_below_a_file(entries: list[str]) -> None:
    with pytest.raises(InvalidPathError):
        Tree.of([_entry(path) for path in entries])


def test_a_pipe_is_not_kept(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InvalidPathError, match="neither"):
        keep_folder(tmp_path, BlobFolder(tmp_path / "blobs"))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path / "blobs")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "weights").write_bytes(b"right")
    tree = keep_folder(tmp_path / "in", blobs)
    blobs.path(tree.entries[0].sha256).write_bytes(b"wrong")

    with pytest.raises(DigestMismatchError, match="weights"):
        materialise(tree, blobs, tmp_path / "out")
    assert not (tmp_path / "out" / "weights").exists()


@pytest.mark.parametrize("entry", [Entry(path="a", sha256="xyz"), _entry("a", size=-1)])
def test_a_digest_and_a_size_are_checked(entry: Entry) -> None:
    with pytest.raises(InvalidValueError):
        Tree.of([entry])


def test_bytes_of_another_digest_are_no_tree() -> None:
    with pytest.raises(DigestMismatchError):
        Tree.decode(Tree.of([_entry("a")]).encode(), DIGEST)
