"""The hook notes what it should, is bounded, and stands in nobody's way; it is called here as the interpreter would."""

import os

import pytest

from modelyard_scoring.touched import notes


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "notes"
    place.touch()
    return place


@pytest.fixture
def noting(file):
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    yield notes._Notes(str(file), descriptor)
    os.close(descriptor)


def noted(file):
    return [tuple(line.split("\0")[:2]) for line in file.read_text().split("\n")[:-1]]


@pytest.mark.parametrize(
    ("event", "args", "line"),
    [
        ("open", ("{}/there.txt", "r", os.O_RDONLY), ("read", "{}/there.txt")),
        ("open", (b"{}/there.txt", "r", os.O_RDONLY), ("read", "{}/there.txt")),
        ("open", ("{}/new.txt", "w", os.O_WRONLY | os.O_CREAT), ("written", "{}/new.txt")),
        ("open", ("{}/there.txt", None, os.O_RDWR), ("written", "{}/there.txt")),
        ("open", ("{}/a.py", "rb", os.O_RDONLY), ("module", "{}/a.py")),
        ("os.rename", ("{}/there.txt", "{}/other.txt", -1, -1), ("written", "{}/other.txt")),
        ("os.listdir", ("{}",), ("listed", "{}")),
        ("import", ("yaml.loader.more", None, [], [], []), ("import", "yaml.loader")),
        ("socket.connect", (None, ("10.0.0.1", 80)), ("connected", "10.0.0.1:80")),
        ("socket.connect", (None, ("::1", 80, 0, 0)), ("connected", "[::1]:80")),
        ("socket.connect", (None, b"/run/x.sock"), ("connected", "unix:/run/x.sock")),
        ("socket.bind", (None, ("0.0.0.0", 1)), ("bound", "0.0.0.0:1")),
        ("socket.getaddrinfo", ("db.example", 5432, 0, 0, 0), ("resolved", "db.example")),
        ("subprocess.Popen", ("/bin/ls", ["ls", "--password=x"], None, None), ("program", "/bin/ls")),
        ("subprocess.Popen", (None, ["ls", "-l"], None, None), ("program", "ls")),
        ("os.system", ("rm -rf x",), ("program", "rm")),
        ("ctypes.dlopen", ("libgomp.so.1",), ("library", "libgomp.so.1")),
    ],
)
def test_what_is_touched_is_noted(noting, file, tmp_path, event, args, line):
    for name in ("there.txt", "a.py"):
        (tmp_path / name).touch()
    place = str(tmp_path)
    filled = [
        one.replace(b"{}", place.encode())
        if isinstance(one, bytes)
        else one.replace("{}", place)
        if isinstance(one, str)
        else one
        for one in args
    ]

    noting.hook(event, tuple(filled))

    assert noted(file) == [tuple(part.replace("{}", place) for part in line)]


def test_what_is_touched_again_is_noted_once(noting, file, tmp_path):
    for _ in range(3):
        noting.hook("open", (str(tmp_path / "x"), "w", os.O_WRONLY))

    assert noted(file) == [("written", str(tmp_path / "x"))]


@pytest.mark.parametrize("name", ["missing.txt", "missing.py"])
def test_what_is_not_there_is_not_read(noting, file, tmp_path, name):
    noting.hook("open", (str(tmp_path / name), "r", os.O_RDONLY))

    assert noted(file) == []


def test_what_python_compiles_and_the_notes_themselves_are_not_noted(noting, file, tmp_path):
    noting.hook("open", (str(tmp_path / "__pycache__/a.pyc.1"), "wb", os.O_WRONLY))
    noting.hook("open", (str(file), None, os.O_WRONLY))

    assert noted(file) == []


@pytest.mark.parametrize("event", sorted(notes._READERS))
@pytest.mark.parametrize("args", [(), (None,) * 5, (3,) * 5, (object(),) * 5, ("a\0b",) * 5, ("\udcff\n\ud800",) * 5])
def test_odd_arguments_raise_nothing(noting, file, event, args):
    noting.hook(event, args)

    assert all(len(line.split("\0")) <= 3 for line in file.read_text().split("\n"))


def test_what_is_too_much_is_counted(noting, file):
    for number in range(notes.OTHERS + 1000):
        noting.hook("socket.getaddrinfo", (f"host{number}", 1, 0, 0, 0))
    lines = [line.split("\0") for line in file.read_text().split("\n")[:-1]]

    assert sum(line[0] == "resolved" for line in lines) == notes.OTHERS
    assert 512 <= sum(int(line[2]) for line in lines if line[0] == "left out") <= 1000


def test_the_file_of_all_processes_is_bounded(noting, file, monkeypatch):
    monkeypatch.setattr(notes, "_LARGEST", 100)
    for number in range(100):
        noting.hook("ctypes.dlopen", (f"lib{number}.so",))

    assert 100 <= file.stat().st_size < 130


def test_a_file_that_takes_the_place_of_the_notes_is_left_alone(noting, tmp_path):
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    os.dup2(other, noting._descriptor)  # as a script that closes all descriptors, and then opens files
    noting.hook("ctypes.dlopen", ("lib.so",))
    os.close(other)

    assert (tmp_path / "other").read_bytes() == b""


def test_notes_that_are_closed_raise_nothing(file):
    descriptor = os.open(file, os.O_WRONLY)
    made = notes._Notes(str(file), descriptor)
    os.close(descriptor)

    made.hook("ctypes.dlopen", ("lib.so",))

    assert noted(file) == []
