"""docs/reference/settings.md: every environment variable that is read, with what its docstring says."""

import ast
import re
from collections.abc import Iterator

from docs.generate.prose import markdown
from docs.generate.source import syntax_trees

from modelyard_scoring.settings import OPTIONS, PREFIX

HEAD = """# Settings

Made from the code by `make docs`. Environment variables, read once when a program starts.

## Toolkit

| variable | is | read in |
|---|---|---|
"""
SCORING = """
## Scoring server

Each is an option of `modelyard-score PATH` too, and the option wins.

| variable | option | is | allowed | default |
|---|---|---|---|---|
"""
_NAME = re.compile(r"MODELYARD_[A-Z][A-Z_]*[A-Z]")
_DESCRIBED = re.compile(r"``(MODELYARD_[A-Z_]+)``\s+\(((?:[^()]|\([^()]*\))+)\)")


class UndescribedSettingError(Exception):
    """A variable is read that no docstring describes."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"Say in a docstring what these are, in the form ``NAME`` (what it is): {', '.join(names)}")


def page() -> str:
    """Give the page.

    Raises
    ------
    UndescribedSettingError
        If a variable is read that no docstring describes.
    """
    read, described = variables(), _descriptions()
    if missing := sorted(read.keys() - described.keys()):
        raise UndescribedSettingError(missing)
    rows = (f"| `{name}` | {described[name]} | `{'`, `'.join(read[name])}` |\n" for name in sorted(read))
    return HEAD + "".join(rows) + SCORING + "".join(_scoring_rows())


def _scoring_rows() -> Iterator[str]:
    for option in OPTIONS:
        variable, switch = PREFIX + option.name.upper(), "--" + option.name.replace("_", "-")
        default = "" if option.default is None else f"`{option.default}`"
        yield f"| `{variable}` | `{switch}` | {option.help} | {option.allowed} | {default} |\n"


def variables() -> dict[str, list[str]]:
    """Find the variables that code names as texts of their own, and the modules that name them."""
    found: dict[str, list[str]] = {}
    for module, tree in syntax_trees():
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for name in filter(_NAME.fullmatch, texts):
            found.setdefault(name, []).append(module)
    return found


def _descriptions() -> dict[str, str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = (
        ast.get_docstring(node) or ""
        for _, tree in syntax_trees()
        for node in ast.walk(tree)
        if isinstance(node, documented)
    )
    pairs = (pair for text in docstrings for pair in _DESCRIBED.findall(text))
    return {name: " ".join(markdown(text).split()).replace("|", "\\|") for name, text in pairs}
