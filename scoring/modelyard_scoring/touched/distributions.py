"""From the files of modules to the distributions that brought them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from importlib.util import source_from_cache

from msgspec import Struct


class Imported(Struct, frozen=True, kw_only=True, order=True):
    """A distribution that code has modules of.

    Parameters
    ----------
    module
        The first module of it that was asked for, as far as that is known, else any of them.
    by
        The file of the code that asked for it; empty where that is not known.
    """

    distribution: str
    version: str
    module: str
    by: str


def find_imported(
    files: Iterable[str], imports: Mapping[str, str], paths: Sequence[str]
) -> tuple[tuple[Imported, ...], set[str]]:
    """Find the distributions that brought the files of modules, and the files that none has brought.

    What is installed says in RECORD which files it has. Each list is read once, and only of folders that a module
    came from.

    Parameters
    ----------
    imports
        The names of modules in the order in which they were asked for, each with the file that asked.
    paths
        Where modules are looked for.
    """
    rest = {_source(file) for file in files}
    found = []
    for folder in sorted(set(paths), key=len, reverse=True):  # a folder in another one first
        own = {file[len(folder) + 1 :]: file for file in rest if folder and file.startswith(f"{folder}{os.sep}")}
        for one in distributions(path=[folder]) if own else ():
            brought = [name for name in _listed(one) if name in own]
            rest -= {own.pop(name) for name in dict.fromkeys(brought)}
            if brought:
                found.append(_imported(one, brought, folder, imports))
    return tuple(sorted(found)), rest


def _imported(one: Distribution, brought: Sequence[str], folder: str, imports: Mapping[str, str]) -> Imported:
    modules = [_module(name) for name in brought]
    known = {".".join(module.split(".")[:count]) for module in modules for count in (1, 2)}
    own = {os.path.join(folder, name) for name in brought}  # noqa: PTH118 - thousands of them
    asked = [(module, by) for module, by in imports.items() if module in known and _source(by) not in own]
    module, by = asked[0] if asked else (min(modules, key=len), "")
    if not by.startswith("/"):  # <string>, or Python itself
        by = ""
    return Imported(distribution=one.metadata["Name"], version=one.version, module=module, by=by)


def _listed(one: Distribution) -> Iterator[str]:
    for line in (one.read_text("RECORD") or "").splitlines():
        yield line.partition(",")[0]


def _source(file: str) -> str:
    """Give the source of a compiled module; the file itself where it is none."""
    if not file.endswith(".pyc"):
        return file
    try:
        return source_from_cache(file)
    except ValueError:
        return file


def _module(name: str) -> str:
    return ".".join([*name.split("/")[:-1], name.rpartition("/")[2].partition(".")[0]]).removesuffix(".__init__")
