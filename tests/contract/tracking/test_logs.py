import pytest

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidPathError, InvalidValueError, NotFoundError, StateError
from modelyard.tracking.logs import MAX_CHUNK, LogChunk, LogQuery
from modelyard.tracking.run import RunInfo


def append(backend: Backend, run: RunInfo, data: bytes, offset: int, path: str = "logs/std.txt") -> None:
    backend.logs.append(run.id, LogChunk(path=path, offset=offset, data=data))


def test_a_log_grows_at_its_end_and_is_read_from_anywhere(backend: Backend, run: RunInfo) -> None:
    append(backend, run, b"one \xff", 0)
    append(backend, run, b" two", 5)
    part = backend.logs.read(run.id, LogQuery(path="logs/std.txt", offset=4))
    assert (part.data, part.end) == (b"\xff two", 9)
    assert backend.logs.read(run.id, LogQuery(path="logs/std.txt", offset=9)).data == b""
    assert [(one.path, one.size) for one in backend.logs.list(run.id).items] == [("logs/std.txt", 9)]


def test_a_chunk_that_comes_twice_is_there_once(backend: Backend, run: RunInfo) -> None:
    append(backend, run, b"abc", 0)
    append(backend, run, b"abc", 0)
    append(backend, run, b"cd", 2)
    assert backend.logs.read(run.id, LogQuery(path="logs/std.txt")).data == b"abcd"


def test_a_chunk_after_a_gap_is_refused(backend: Backend, run: RunInfo) -> None:
    append(backend, run, b"abc", 0)
    with pytest.raises(StateError):
        append(backend, run, b"e", 4)


def test_a_long_log_is_read_in_parts(backend: Backend, run: RunInfo) -> None:
    append(backend, run, b"a" * MAX_CHUNK, 0)
    append(backend, run, b"b", MAX_CHUNK)
    first = backend.logs.read(run.id, LogQuery(path="logs/std.txt"))
    assert first.end == len(first.data) == MAX_CHUNK
    assert backend.logs.read(run.id, LogQuery(path="logs/std.txt", offset=first.end)).data == b"b"
    with pytest.raises(InvalidValueError):
        append(backend, run, b"a" * (MAX_CHUNK + 1), 0)


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", "a\x00"])
def test_a_path_that_leaves_the_logs_is_refused(backend: Backend, run: RunInfo, path: str) -> None:
    with pytest.raises(InvalidPathError):
        append(backend, run, b"x", 0, path)
    with pytest.raises(InvalidPathError):
        backend.logs.read(run.id, LogQuery(path=path))


def test_logs_that_are_not_there_are_not_found(backend: Backend, run: RunInfo) -> None:
    assert backend.logs.list(run.id).items == ()
    append(backend, run, b"x", 0)
    with pytest.raises(NotFoundError) as raised:
        backend.logs.read(run.id, LogQuery(path="logs/stdout.txt"))
    assert raised.value.known == ("logs/std.txt",)
    with pytest.raises(NotFoundError):
        append(backend, RunInfo(**{f: getattr(run, f) for f in run.__struct_fields__} | {"id": "e_9"}), b"x", 0)
    with pytest.raises(InvalidValueError):
        backend.logs.read(run.id, LogQuery(path="logs/std.txt", offset=-1))
