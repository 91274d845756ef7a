"""What every kind of datastore does with files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard import Datastore
from modelyard.errors import FilesDifferError, InvalidPathError, InvalidValueError

Write = Callable[[str, dict[str, str]], Path]
FILES = {"a/one.txt": "1", "a/b/two.txt": "22", "ab": "", "ü b/drei.txt": "333"}


def texts(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()}


def paths(store: Datastore, prefix: str = "") -> list[str]:
    return [one.path for one in store.list(prefix)]


def test_a_folder_comes_back_as_it_was_sent(store: Datastore, folder_of: Write, tmp_path: Path) -> None:
    source = folder_of("source", FILES)
    (source / "ab").chmod(0o755)

    reference = store.upload(source, "deep/er")

    assert store.download(tmp_path / "back") == 4
    assert texts(tmp_path / "back" / "deep" / "er") == FILES
    assert reference.materialise(tmp_path / "step") == tmp_path / "step" / "deep/er"
    assert [(tmp_path / "step/deep/er" / name).stat().st_mode & 0o111 for name in ("ab", "a/one.txt")] == [0o111, 0]
    assert [one.size for one in store.list("deep/er/a")] == [2, 1]


def test_files_are_listed_by_path_and_folder(store: Datastore, folder_of: Write) -> None:
    store.upload(folder_of("source", {**FILES, "a-b": "", "a/b0": ""}))

    assert paths(store) == ["a-b", "a/b/two.txt", "a/b0", "a/one.txt", "ab", "ü b/drei.txt"]
    assert paths(store, "a/b") == paths(store, "./a/b/") == ["a/b/two.txt"]
    assert paths(store, "a/one.txt") == ["a/one.txt"]
    assert paths(store, "nothing") == paths(store, "a/one.txt/below") == []


def test_files_are_kept_by_their_names_or_below_a_root(store: Datastore, folder_of: Write) -> None:
    source = folder_of("source", {"x/f": "1", "y/f": "2"})

    store.upload_files([source / "x/f", source / "y/f"], relative_root=source, target_path="rooted/")
    reference = store.upload_files([str(source / "x/f")], target_path="named")

    assert paths(store) == ["named/f", "rooted/x/f", "rooted/y/f"]
    assert (reference.path_on_datastore, str(reference)) == ("named", "$AZUREML_DATAREFERENCE_named")
    with pytest.raises(InvalidValueError, match="would both be 'f'; give relative_root"):
        store.upload_files([source / "x/f", source / "y/f"])


def test_other_content_is_refused_before_anything_is_written(store: Datastore, folder_of: Write) -> None:
    store.upload(folder_of("old", {"a": "old", "b": "same", "c": "short"}))
    source = folder_of("new", {"a": "new", "b": "same", "c": "longer", "d": "more"})

    with pytest.raises(FilesDifferError, match=r"other content under 'a', 'c'\. Nothing was written"):
        store.upload(source)
    assert paths(store) == ["a", "b", "c"]

    store.upload(source, overwrite=True)
    assert [(one.path, one.size) for one in store.list()] == [("a", 3), ("b", 4), ("c", 6), ("d", 4)]


def test_what_is_there_is_not_moved_again(store: Datastore, folder_of: Write, tmp_path: Path) -> None:
    source = folder_of("source", FILES)
    store.upload(source)
    before = store.list()
    store.upload(source)

    assert store.list() == before
    assert [store.download(tmp_path / "back") for _ in range(2)] == [4, 0]
    (tmp_path / "back/ab").write_text("other")
    (tmp_path / "back/a/one.txt").unlink()
    with pytest.raises(FilesDifferError, match="'ab'"):
        store.download(tmp_path / "back")
    assert not (tmp_path / "back/a/one.txt").exists()
    assert store.download(tmp_path / "back", prefix="a") == 1
    assert store.download(tmp_path / "back", overwrite=True) == 1
    assert texts(tmp_path / "back") == FILES


def test_files_are_deleted_by_prefix(store: Datastore, folder_of: Write) -> None:
    store.upload(folder_of("source", FILES))

    assert [store.delete_files(prefix) for prefix in ("a", "a", "nothing")] == [2, 0, 0]
    assert paths(store) == ["ab", "ü b/drei.txt"]
    store.access.delete(["gone"])


@pytest.mark.parametrize("bad", ["../up", "/etc/passwd", "a/../../b", "a//b", "a\x00b", "a" * 1025])
def test_a_path_that_leaves_the_datastore_is_refused(store: Datastore, folder_of: Write, bad: str) -> None:
    source = folder_of("source", {"f": "1"})

    for call in (store.list, store.delete_files, store.path, lambda path: store.upload(source, path)):
        with pytest.raises(InvalidPathError):
            call(bad)
