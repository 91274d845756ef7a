import pytest

from modelyard.backend.backend import Backend
from modelyard.errors import (
    AlreadyExistsError,
    InvalidPathError,
    InvalidValueError,
    MissingBlobError,
    NotFoundError,
)
from modelyard.tracking.files import FileQuery, NewFile, NewFiles
from modelyard.tracking.run import RunInfo


def add(backend: Backend, run: RunInfo, *paths: str, data: bytes = b"data", replace: bool = False) -> None:
    sha256 = backend.blobs.put(data)
    files = tuple(NewFile(path=path, sha256=sha256, size=len(data)) for path in paths)
    backend.files.add(run.id, NewFiles(files=files, replace=replace))


def paths(backend: Backend, run: RunInfo, **query: object) -> list[str]:
    return [one.path for one in backend.files.list(run.id, FileQuery(**query)).items]


def test_files_are_listed_by_path_and_folder(backend: Backend, run: RunInfo) -> None:
    add(backend, run, "outputs/a.txt", "outputs/b/c.txt", "outputs2/d", "Outputs/e")
    assert sorted(paths(backend, run)) == ["Outputs/e", "outputs/a.txt", "outputs/b/c.txt", "outputs2/d"]
    assert paths(backend, run, below="outputs") == ["outputs/a.txt", "outputs/b/c.txt"]
    assert paths(backend, run, below="outputs/b/") == ["outputs/b/c.txt"]
    assert paths(backend, run, path="outputs2/d") == ["outputs2/d"]
    first = backend.files.list(run.id, FileQuery(limit=3))
    assert len(first.items) == 3
    assert len(paths(backend, run, cursor=first.cursor)) == 1


def test_a_file_with_the_same_content_is_given_again(backend: Backend, run: RunInfo) -> None:
    add(backend, run, "a")
    add(backend, run, "a", "b")
    assert paths(backend, run) == ["a", "b"]


def test_a_path_that_is_taken_is_refused_unless_it_is_to_be_replaced(backend: Backend, run: RunInfo) -> None:
    add(backend, run, "a")
    with pytest.raises(AlreadyExistsError):
        add(backend, run, "b", "a", data=b"other")
    assert paths(backend, run) == ["a"]
    add(backend, run, "b", "a", data=b"other", replace=True)
    assert {one.size for one in backend.files.list(run.id, FileQuery()).items} == {5}


@pytest.mark.parametrize("path", ["", "/a", "a/../b", "..", "a//b", "a/", "a\x00b", "a/" + "b" * 256])
def test_a_path_that_leaves_the_run_is_refused(backend: Backend, run: RunInfo, path: str) -> None:
    with pytest.raises(InvalidPathError):
        add(backend, run, path)


def test_a_file_needs_its_bytes(backend: Backend, run: RunInfo) -> None:
    with pytest.raises(MissingBlobError):
        backend.files.add(run.id, NewFiles(files=(NewFile(path="a", sha256="0" * 64, size=1),)))
    with pytest.raises(InvalidValueError):
        backend.files.add(run.id, NewFiles(files=(NewFile(path="a", sha256="zero", size=1),)))


def test_files_need_a_run(backend: Backend, run: RunInfo) -> None:
    with pytest.raises(NotFoundError):
        backend.files.list("e_2", FileQuery())
    with pytest.raises(NotFoundError):
        backend.files.add("e_2", NewFiles(files=()))
    with pytest.raises(InvalidValueError):
        backend.files.list(run.id, FileQuery(limit=0))
