"""Interpreters on this machine: the one for a version, and what is installed in one."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.environments.errors import InterpreterFailedError, InterpreterNotFoundError
from modelyard.environments.lock import canonical_name
from modelyard.environments.platforms import running_python
from modelyard.environments.process import run
from modelyard.environments.specification import EnvironmentSpec, normalise
from modelyard.environments.uv_program import Uv

_LOOK_TIMEOUT = 60.0
_NOT_CARRIED = frozenset({"pip"})

# Runs in any Python from 3.8 on, with nothing but the standard library.
_LISTING = """
import json, sys
from importlib.metadata import distributions
found = {}
for one in distributions():
    name = one.metadata["Name"]
    if name and name not in found:
        direct = json.loads(one.read_text("direct_url.json") or "{}")
        if (one.read_text("INSTALLER") or "").strip() == "conda":
            direct = {}  # where conda built the package, which says nothing about where it is from
        found[name] = {"name": name, "version": one.version, "local": direct.get("url", "")}
print(json.dumps({"python": "%d.%d" % sys.version_info[:2], "packages": list(found.values())}))
"""


class _Package(Struct, frozen=True):
    name: str
    version: str
    local: str


class _Listing(Struct, frozen=True):
    python: str
    packages: tuple[_Package, ...]


class _Found(Struct, frozen=True):
    path: str
    version: str
    implementation: str = "cpython"
    variant: str = "default"


def find_interpreter(python: str, uv: Uv) -> Path:
    """Find an interpreter of version `python` (``3.N``): the running one, else the first that uv finds here.

    Raises
    ------
    InterpreterNotFoundError
        If there is none; nothing is downloaded.
    """
    if python == running_python() and platform.python_implementation() == "CPython":
        return Path(sys.executable)
    try:
        finished = uv.run(["python", "list", "--only-installed", "--output-format", "json"], timeout=_LOOK_TIMEOUT)
    except TimeoutError:
        raise InterpreterNotFoundError(python, [f"{running_python()} (the search took too long)"]) from None
    listed = msgspec.json.decode(finished.stdout or "[]", type=list[_Found])
    found = [one for one in listed if (one.implementation, one.variant) == ("cpython", "default")]
    for one in found:
        if one.version.startswith(f"{python}."):
            return Path(one.path)
    raise InterpreterNotFoundError(python, sorted({one.version for one in found}))


def from_existing(
    interpreter: str | Path | None = None, *, name: str = "", leave_out: Sequence[str] = ()
) -> EnvironmentSpec:
    """Specify what is installed in an interpreter, the running one if none is given, version by version.

    pip is not carried over. Packages that were installed from local files or addresses are left out, and named in the
    `notes` of the result: add their wheels as private wheels where they are needed.

    Raises
    ------
    InterpreterFailedError
        If the interpreter cannot be run, or is too old to list its packages.
    """
    listing = _list_packages(Path(interpreter or sys.executable))
    dropped = _NOT_CARRIED.union(canonical_name(n) for n in leave_out)
    kept = [package for package in listing.packages if canonical_name(package.name) not in dropped]
    notes = tuple(
        f"{p.name}=={p.version}: left out, for it was installed from {p.local}; add its wheel as a private wheel."
        for p in kept
        if p.local
    )
    return EnvironmentSpec(
        name=name,
        python=listing.python,
        requirements=normalise([f"{p.name}=={p.version}" for p in kept if not p.local], str(interpreter or "running")),
        notes=notes,
    )


def _list_packages(interpreter: Path) -> _Listing:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    command = [str(interpreter.absolute()), "-c", _LISTING]
    try:
        finished = run(command, timeout=_LOOK_TIMEOUT, environment=environment, folder=Path("/"))
    except TimeoutError as error:
        raise InterpreterFailedError(str(interpreter), str(error)) from None
    if finished.status != 0:
        reason = (finished.stderr.strip() or f"status {finished.status}").splitlines()[-1]
        raise InterpreterFailedError(str(interpreter), reason)
    try:
        return msgspec.json.decode(finished.stdout, type=_Listing)
    except msgspec.DecodeError as error:
        raise InterpreterFailedError(str(interpreter), str(error)) from None
