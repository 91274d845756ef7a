"""The modules that files of code ask for in so many words.

An audit hook sees who imports a module first; that may be a package which needs it too.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

_LARGEST = 2**20


def read_statements(files: Iterable[str]) -> dict[str, str]:
    """Give the modules that files import, such as ``a`` and ``a.b`` for ``import a.b``, each with the first such file.

    Files that cannot be read as Python import nothing.
    """
    found: dict[str, str] = {}
    for file in files:
        for module in _modules(file):
            parts = module.split(".")
            for count in range(1, len(parts) + 1):
                found.setdefault(".".join(parts[:count]), file)
    return found


def _modules(file: str) -> Iterator[str]:
    try:
        with Path(file).open("rb") as opened, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a text, which is the code's own business
            tree = ast.parse(opened.read(_LARGEST))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
