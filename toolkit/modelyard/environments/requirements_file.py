"""Reading pip requirements files: nested files, continued lines, comments, constraints, index addresses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from modelyard.environments.errors import InvalidRequirementError
from modelyard.environments.platforms import running_python
from modelyard.environments.specification import EnvironmentSpec, requirement

_COMMENT = re.compile(r"(^|\s)#.*$")
_ADDRESS = re.compile(r"([A-Za-z0-9._-]+(\[.*\])?\s*@\s*)?([a-z][a-z0-9+.]*://|git\+)")
_HASH = re.compile(r"\s--hash[= ]\S+")
_OPTION = re.compile(r"(?:-(?P<short>[a-z])|--(?P<long>[a-z][a-z-]*))[\s=]*(?P<value>.*)")
_REFUSED = {
    "editable": "build a wheel of the package and add it as a private wheel.",
    "find-links": "add the wheels themselves as private wheels.",
    "no-index": "use --offline, or give an index.",
    "pre": "name a pre-release in the requirement itself, such as 'package>=2.0rc1'.",
    "no-binary": "allow source builds for the environment instead.",
    "trusted-host": "trust the index's certificate on the machine instead (SSL_CERT_FILE).",
}
_LONG = {"r": "requirement", "c": "constraint", "e": "editable", "i": "index-url", "f": "find-links"}
_NO_MEANING = frozenset({"require-hashes", "only-binary", "prefer-binary", "use-feature", "no-deps"})


class _Line(Struct, frozen=True):
    """A logical line: the name of its file, the number of its first physical line, its text."""

    source: str
    number: int
    text: str

    def refuse(self, reason: str) -> InvalidRequirementError:
        return InvalidRequirementError(self.source, self.number, self.text, reason)


class _Reading:
    """What has been read so far, from a file and those that it names."""

    def __init__(self) -> None:
        self.requirements: list[str] = []
        self.constraints: list[str] = []
        self.index = ""
        self.extra_indexes: list[str] = []
        self._open: list[Path] = []

    def file(self, path: Path, into: list[str], by: _Line | None = None) -> None:
        if (real := path.resolve()) in self._open:
            raise _here(by, path).refuse("the file includes itself; remove one of the includes.")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise _here(by, path).refuse(f"{path} cannot be read: {error}.") from None
        self._open.append(real)
        for line in _logical(str(path), text):
            self.line(line, path.parent, into)
        self._open.pop()

    def line(self, line: _Line, folder: Path, into: list[str]) -> None:
        if line.text.startswith("-"):
            self._option(line, folder, into)
        else:
            into.append(_requirement(line))

    def _option(self, line: _Line, folder: Path, into: list[str]) -> None:
        match = _OPTION.fullmatch(line.text)
        if match is None:
            raise line.refuse("this is not an option of a requirements file; remove it.")
        name, value = match["long"] or _LONG.get(match["short"], match["short"]), match["value"]
        takes: dict[str, Callable[[], None]] = {
            "requirement": lambda: self.file(_beside(line, folder, value), into, line),
            "constraint": lambda: self.file(_beside(line, folder, value), self.constraints, line),
            "index-url": lambda: setattr(self, "index", value),
            "extra-index-url": lambda: self.extra_indexes.append(value),
        }
        if name in takes:
            takes[name]()
        elif name not in _NO_MEANING:
            remedy = _REFUSED.get(name, "remove it.")
            raise line.refuse(f"the option --{name} has no place in a reproducible environment; {remedy}")


def from_pip_requirements(path: str | Path, *, name: str = "", python: str | None = None) -> EnvironmentSpec:
    """Read a pip requirements file.

    ``-r`` and ``-c`` files are followed, comments and hashes dropped (a lock gets hashes of its own), index addresses
    taken. ``-e``, paths, addresses and other options are refused.

    Raises
    ------
    InvalidRequirementError
        Naming the file and the line, and what to do instead.
    """
    reading = _Reading()
    reading.file(Path(path), reading.requirements)
    return _specification(reading, name, python)


def read_requirements(texts: list[str], folder: Path, source: str) -> EnvironmentSpec:
    """Read the lines of a requirements file that stand elsewhere, such as under ``pip:`` in a conda file.

    Raises
    ------
    InvalidRequirementError
        As `from_pip_requirements`, naming `source` and the number of the entry.
    """
    reading = _Reading()
    for number, text in enumerate(texts, 1):
        for line in _logical(source, text):
            reading.line(_Line(source, number, line.text), folder, reading.requirements)
    return _specification(reading, "", None)


def _specification(reading: _Reading, name: str, python: str | None) -> EnvironmentSpec:
    return EnvironmentSpec(
        name=name,
        python=python or running_python(),
        requirements=tuple(sorted(set(reading.requirements))),
        constraints=tuple(sorted(set(reading.constraints))),
        index=reading.index,
        extra_indexes=tuple(dict.fromkeys(reading.extra_indexes)),
    )


def _logical(source: str, text: str) -> Iterator[_Line]:
    """Join lines that end in a backslash, drop comments, and skip what is empty, as pip does."""
    start, parts = 1, list[str]()
    for number, physical in enumerate([*text.splitlines(), ""], 1):
        start = start if parts else number
        if physical.endswith("\\") and not physical.lstrip().startswith("#"):
            parts.append(physical[:-1])
            continue
        whole = _COMMENT.sub("", "".join([*parts, physical])).strip()
        parts.clear()
        if whole:
            yield _Line(source, start, whole)


def _requirement(line: _Line) -> str:
    text = _HASH.sub("", f"{line.text} ").strip()
    if "${" in text:
        raise line.refuse("a variable of the shell is not recorded; write its value.")
    if " --" in text:
        raise line.refuse("options of a single requirement are not supported; remove them.")
    if _ADDRESS.match(text):
        raise line.refuse("an address is not a version that can be locked; add its wheel as a private wheel.")
    if text.startswith((".", "/", "~")) or text.endswith((".whl", ".tar.gz", ".zip")):
        raise line.refuse("a path is on this machine only; build a wheel and add it as a private wheel.")
    return requirement(text, line.source, line.number)


def _beside(line: _Line, folder: Path, value: str) -> Path:
    if "://" in value or not value:
        raise line.refuse("only files on this machine can be included; download it first.")
    return folder / shlex.split(value)[0]


def _here(by: _Line | None, path: Path) -> _Line:
    return by or _Line(str(path), 0, path.name)
