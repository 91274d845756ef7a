"""What code touched, as one JSON document."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec
from msgspec import Struct

import modelyard_scoring
from modelyard_scoring.touched.distributions import Imported, find_imported
from modelyard_scoring.touched.notes import MOST, OTHERS

KINDS: Final = ("read", "written", "listed", "connected", "bound", "resolved", "program", "library")
_KNOWN = frozenset([*KINDS, *MOST, "process", "phase", "end", "left out"])
_OWN = f"{Path(modelyard_scoring.__file__).parent}{os.sep}"


class Interpreter(Struct, frozen=True, kw_only=True):
    """The Python that the code ran in."""

    version: str
    prefix: str
    standard_library: tuple[str, ...]


class Touched(Struct, frozen=True, kw_only=True):
    """What code touched until it was done, or failed; each tuple sorted, and nothing in it twice.

    Parameters
    ----------
    read, written
        Files that it opened for reading and were there; files and folders that it opened for writing, made, renamed
        or removed. Modules of the standard library and of packages are not among them.
    listed
        Folders whose files it listed.
    connected, bound
        Addresses: ``HOST:PORT`` or ``unix:PATH``.
    resolved
        Names of hosts whose addresses it asked for.
    program
        Programs that it started.
    library
        Shared libraries: those that it asked ctypes for, and files that were mapped at the end, but for those that
        packages bring.
    imported
        The distributions that it has modules of.
    server
        The names of those that the server itself has modules of.
    left_out
        For each kind that there was too much of, how often at least something more was touched.
    """

    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    connected: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    library: tuple[str, ...] = ()
    imported: tuple[Imported, ...] = ()
    server: tuple[str, ...] = ()
    interpreter: Interpreter
    left_out: dict[str, int]

    def write(self, file: Path) -> None:
        """Write the document wholly or not at all, whatever is there.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(self) + b"\n")
        temporary.replace(file)


class Notes(Struct, frozen=True, kw_only=True):
    """The notes of all processes: of each kind what was touched, with what else is known of it, in order."""

    of: Mapping[str, Mapping[str, str]]
    left_out: Mapping[str, int]

    def last(self, kind: str) -> str:
        """Give the last thing of a kind; empty if there is none."""
        return next(reversed(list(self.of.get(kind, {}))), "")


def read_notes(data: bytes) -> Notes:
    """Read what `notes` wrote; lines of another form are not its own, and are left aside.

    After the note of the end come only those that the server adds: what it does then itself is none of the code's.
    """
    of: dict[str, dict[str, str]] = {}
    left: dict[str, int] = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        kind, value, more = [*line.split("\0"), "", "", ""][:3]
        if kind not in _KNOWN or ("end" in of and kind not in {"server", "library"}):
            continue
        if kind == "left out":
            if value in _KNOWN and more.isdecimal():
                left[value] = left.get(value, 0) + int(more[:15])
        elif kind == "phase":
            of.setdefault(kind, {}).pop(value, None)
            of[kind][value] = ""
        elif len(things := of.setdefault(kind, {})) < MOST.get(kind, OTHERS) or value in things:
            things.setdefault(value, more)
        else:
            left[kind] = left.get(kind, 0) + 1
    return Notes(of=of, left_out=left)


def describe(notes: Notes) -> Touched:
    """Make the document: modules become the distributions that have them."""
    library = _standard_library()
    modules = [file for file in notes.of.get("module", {}) if not _comes_along(file, library)]
    imported, rest = find_imported(modules, notes.of.get("import", {}), sys.path)
    server = [*notes.of.get("server", {}), *module_files()]
    of: dict[str, set[str]] = {kind: set(notes.of.get(kind, {})) for kind in KINDS}
    of["read"] |= rest
    of["library"] = {file for file in of["library"] if not _is_of_python(file, library)}
    return Touched(
        **{kind: tuple(sorted(things)) for kind, things in of.items()},
        imported=imported,
        server=tuple(one.distribution for one in find_imported(server, {}, sys.path)[0]),
        interpreter=Interpreter(version=sysconfig.get_python_version(), prefix=sys.prefix, standard_library=library),
        left_out=dict(sorted(notes.left_out.items())),
    )


def module_files() -> list[str]:
    """List the files of the modules that this process has."""
    # not by getattr: some modules import others when they are asked for what they do not have
    own = (vars(module).get("__file__") for module in list(sys.modules.values()) if isinstance(module, ModuleType))
    return [file for file in own if isinstance(file, str)]


def _comes_along(file: str, library: Sequence[str]) -> bool:
    """Tell whether a module is the server's, or one that every Python has."""
    if file.startswith(_OWN):
        return True
    own = any(file.startswith(f"{folder}{os.sep}") for folder in library)
    return own and "/site-packages/" not in file and "/dist-packages/" not in file


def _is_of_python(file: str, library: Sequence[str]) -> bool:
    """Tell whether a shared library is of Python, or of a package that is installed."""
    folders = (sys.prefix, *library, *sys.path)
    return "/libpython" in file or any(folder and file.startswith(f"{folder}{os.sep}") for folder in folders)


def _standard_library() -> tuple[str, ...]:
    return tuple(sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}))
