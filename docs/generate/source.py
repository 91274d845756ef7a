"""The packages that the pages are about."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

PACKAGES = ("modelyard", "modelyard_scoring", "modelyard_deploy", "modelyard_loadtests")


def module_names() -> Iterator[str]:
    """Walk the modules of all packages, by name and in order, without importing more than the packages themselves."""
    for package in PACKAGES:
        yield package
        (folder,) = importlib.import_module(package).__path__
        yield from sorted(_below(Path(folder), package))


def _below(folder: Path, prefix: str) -> Iterator[str]:
    for found in pkgutil.iter_modules([str(folder)]):
        name = f"{prefix}.{found.name}"
        yield name
        if found.ispkg:
            yield from _below(folder / found.name, name)


def modules_called(last: str) -> list[ModuleType]:
    """Import the modules whose own name is `last`, such as each ``errors``."""
    return [importlib.import_module(name) for name in module_names() if name.rpartition(".")[2] == last]


def syntax_trees() -> Iterator[tuple[str, ast.Module]]:
    """Give every module's name and syntax tree."""
    for name in module_names():
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            yield name, ast.parse(Path(spec.origin).read_text())
