"""Notes of what code touches: an audit hook that appends a line to a file for each thing, when it is first seen.

A line is there as soon as the thing was touched, so that nothing is lost when the process is killed. Only the standard
library is used, for Python programs that the code starts import this too, without the rest of the server; they find the
file by ``MODELYARD_NOTES`` (set by the scoring server while code is tried: the file of notes of what it touches).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

VARIABLE: Final = "MODELYARD_NOTES"
"""Names the file of notes to the Python programs that are started."""

SITE: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")  # noqa: PTH100, PTH118, PTH120
"""The folder that is put on their module path."""

MOST: Final[Mapping[str, int]] = {
    "module": 20_000,
    "server": 20_000,
    "import": 20_000,
    "read": 5_000,
    "written": 2_000,
    "listed": 2_000,
    "library": 2_000,
}
"""How many things of a kind one process notes; `OTHERS` of a kind that is not here."""

OTHERS: Final = 500
_LARGEST = 16 * 2**20  # bytes of the file of all processes
_LONGEST = 4_096  # characters of one value
_SEPARATORS = {0: " ", 10: " "}  # of fields and of lines
_MODULES = (".py", ".pyc", ".so")
_HARMLESS = (OSError, TypeError, ValueError, LookupError, AttributeError, RecursionError, MemoryError)
"""What odd arguments, a full disk or an ending interpreter may raise here, which is no business of the code's."""


def begin(file: str) -> None:
    """Note from now on what this process touches, and the Python programs that it starts; for good.

    Raises
    ------
    OSError
        If the file of notes is not there.
    """
    notes = _Notes(file, os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    notes.write("process", str(os.getpid()))
    paths = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = SITE if not paths else f"{SITE}{os.pathsep}{paths.removeprefix(SITE + os.pathsep)}"
    os.environ[VARIABLE] = file
    sys.addaudithook(notes.hook)


def add(descriptor: int, kind: str, values: Iterable[str]) -> None:
    """Note things without a hook, in an open file of notes.

    Raises
    ------
    OSError
        If it is not open any more, or cannot be written.
    """
    notes = _Notes("", descriptor)
    for value in values:
        notes.write(kind, value)


class _Notes:
    """The notes of this process, and of those that it forks."""

    def __init__(self, file: str, descriptor: int) -> None:
        self.file = file
        self._descriptor = descriptor
        self._identity = os.fstat(descriptor)[1:3]
        self._seen: dict[str, set[str]] = {}
        self._left: dict[str, int] = {}

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Look at an audit event; called very often, so that most are left at the first line."""
        read = _READERS.get(event)
        if read is None:
            return
        try:
            read(self, args)
        except _HARMLESS:
            return

    def note(self, kind: str, value: str, more: str = "") -> None:
        """Note a thing unless it is noted, or there are too many."""
        seen = self._seen.setdefault(kind, set())
        if value in seen:
            return
        if len(seen) >= MOST.get(kind, OTHERS):
            self._leave_out(kind)
            return
        seen.add(value)
        self.write(kind, value, more)

    def note_file(self, kind: str, path: Any, *, there: bool = True) -> None:
        """Note a file by its absolute path; with `there`, only one that there is."""
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor
        file = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib would take ten times as long
        seen = self._seen.setdefault(kind, set())
        if file in seen:
            return
        if there and len(seen) < MOST.get(kind, OTHERS):
            os.stat(file)  # noqa: PTH116
        self.note(kind, file)

    def write(self, *fields: str) -> None:
        """Append a line; nothing where the file is full, or code has put another in its descriptor's place."""
        text = "\0".join(field[:_LONGEST].translate(_SEPARATORS) for field in fields)
        there = os.fstat(self._descriptor)
        if there[1:3] == self._identity and there.st_size < _LARGEST:
            os.write(self._descriptor, f"{text}\n".encode("utf-8", "backslashreplace"))

    def _leave_out(self, kind: str) -> None:
        """Count what is left out; that is written now and then, for nobody knows which time is the last."""
        count = self._left[kind] = self._left.get(kind, 0) + 1
        if count & (count - 1) == 0:
            self.write("left out", kind, str(count - count // 2))


def _opened(notes: _Notes, args: tuple[Any, ...]) -> None:
    path, _, flags = args
    if flags & (os.O_WRONLY | os.O_RDWR):
        _written(notes, path)
    else:
        name = os.fsdecode(path) if isinstance(path, bytes) else path
        module = isinstance(name, str) and name.endswith(_MODULES)
        notes.note_file("module" if module else "read", name)


def _written(notes: _Notes, path: Any) -> None:
    if path != notes.file and "__pycache__" not in os.fsdecode(path):  # Python compiles by itself, where it may
        notes.note_file("written", path, there=False)


def _listed(notes: _Notes, args: tuple[Any, ...]) -> None:
    if not _asker().startswith("<frozen importlib"):  # which looks for modules
        notes.note_file("listed", "." if args[0] is None else args[0])


def _imported(notes: _Notes, args: tuple[Any, ...]) -> None:
    name, file = args[:2]
    if file is not None:
        notes.note_file("module", file)
    notes.note("import", ".".join(name.split(".")[:2]), _asker())


def _asker() -> str:
    """Give the file of the code that the event is of, behind this function, the reader and the hook."""
    return sys._getframe(3).f_code.co_filename  # noqa: SLF001 - there is no other way to know


def _address(kind: str) -> Callable[[_Notes, tuple[Any, ...]], None]:
    def read(notes: _Notes, args: tuple[Any, ...]) -> None:
        address = args[1]
        if isinstance(address, tuple):
            host = f"[{address[0]}]" if ":" in str(address[0]) else address[0]
            notes.note(kind, f"{host}:{address[1]}")
        elif address:
            notes.note(kind, f"unix:{os.fsdecode(address)}")

    return read


def _resolved(notes: _Notes, args: tuple[Any, ...]) -> None:
    if args[0]:
        notes.note("resolved", os.fsdecode(args[0]))


def _program(at: int) -> Callable[[_Notes, tuple[Any, ...]], None]:
    """Note a program, never its arguments: they may hold secrets."""

    def read(notes: _Notes, args: tuple[Any, ...]) -> None:
        program = args[at] or args[at + 1]
        if isinstance(program, list | tuple):
            program = program[0]
        notes.note("program", os.fsdecode(program))

    return read


def _commanded(notes: _Notes, args: tuple[Any, ...]) -> None:
    notes.note("program", os.fsdecode(args[0]).split()[0])


def _library(notes: _Notes, args: tuple[Any, ...]) -> None:
    if args[0]:
        notes.note("library", os.fsdecode(args[0]))


_READERS: Final[Mapping[str, Callable[[_Notes, tuple[Any, ...]], None]]] = {
    "open": _opened,
    "import": _imported,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "sqlite3.connect": lambda notes, args: notes.note_file("read", args[0]),
    "os.mkdir": lambda notes, args: _written(notes, args[0]),
    "os.remove": lambda notes, args: _written(notes, args[0]),
    "os.rmdir": lambda notes, args: _written(notes, args[0]),
    "os.truncate": lambda notes, args: _written(notes, args[0]),
    "os.rename": lambda notes, args: _written(notes, args[1]),
    "os.link": lambda notes, args: _written(notes, args[1]),
    "os.symlink": lambda notes, args: _written(notes, args[1]),
    "socket.connect": _address("connected"),
    "socket.sendto": _address("connected"),
    "socket.sendmsg": _address("connected"),
    "socket.bind": _address("bound"),
    "socket.getaddrinfo": _resolved,
    "socket.gethostbyname": _resolved,
    "subprocess.Popen": _program(0),
    "os.exec": _program(0),
    "os.posix_spawn": _program(0),
    "os.spawn": _program(1),
    "os.system": _commanded,
    "ctypes.dlopen": _library,
}
"""What is noted of which audit event: https://docs.python.org/3/library/audit_events.html."""
