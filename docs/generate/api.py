"""docs/reference/api.md: the names that people import."""

import functools
import importlib
import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

from docs.generate.prose import markdown
from docs.generate.source import module_names

HEAD = """# Python

Made from the code by `make docs`: the names in `__all__` of the packages. Errors are on a page of their own.
"""


def page() -> str:
    """Give the page."""
    return HEAD + "".join(_section(name, value) for name, value in public())


def public() -> Iterator[tuple[str, Any]]:
    """Walk the public names of each module that lists them, with what they are."""
    for module_name in module_names():
        module = importlib.import_module(module_name) if _is_package(module_name) else None
        for name in sorted(getattr(module, "__all__", ())):
            yield f"{module_name}.{name}", getattr(module, name)


def _is_package(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return bool(spec and spec.submodule_search_locations is not None)


def _section(name: str, value: Any) -> str:
    text = f"\n## {name}\n\n```python\n{_declared(name.rpartition('.')[2], value)}\n```\n\n{markdown(value.__doc__)}\n"
    if inspect.isclass(value):
        text += "".join(_member(value, member, found) for member, found in _members(value).items())
    return text


def _members(owner: type) -> dict[str, Any]:
    """Collect what a class of ours has, also from the classes it is made of."""
    found: dict[str, Any] = {}
    for part in reversed(owner.__mro__):
        if part.__module__.startswith("modelyard"):
            found.update(vars(part))
    return {name: value for name, value in found.items() if not name.startswith("_")}


def _member(owner: type, name: str, found: Any) -> str:
    title = f"\n### {owner.__name__}.{name}\n\n"
    if isinstance(found, property | functools.cached_property):
        return f"{title}{markdown(found.__doc__)}\n"
    if inspect.isroutine(found):
        attribute = getattr(owner, name)
        return f"{title}```python\n{_declared(name, attribute)}\n```\n\n{markdown(attribute.__doc__)}\n"
    return ""


def _declared(name: str, value: Any) -> str:
    """Give the name with its parameters, without the quotes, addresses and module paths that say nothing."""
    if typing.is_typeddict(value):
        return (
            name + "\n" + "\n".join(f"    {key}: {hint.__forward_arg__}" for key, hint in value.__annotations__.items())
        )
    unquoted = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(value)))
    unquoted = re.sub(r"<function .*? at 0x\w+>", "...", unquoted)
    return name + re.sub(r"\b(modelyard\w*|typing|collections\.abc|pathlib)\.(\w+\.)*(?=\w)", "", unquoted)
