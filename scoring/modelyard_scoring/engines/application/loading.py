"""From a name such as ``app:application`` to an application and the interface that it has."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any, Literal

from modelyard_scoring.errors import ScriptError
from modelyard_scoring.service.folder import Code

Interface = Literal["asgi", "wsgi"]
_ASGI_PARAMETERS = 3


def load_application(root: Path, code: Code) -> tuple[Any, Interface]:
    """Import the application that `code` names from the folder `root`.

    A name with ``()`` at its end is called to make the application; what has ``to_asgi()``, as the services of
    BentoML do, is asked for its ASGI application.

    Raises
    ------
    ScriptError
        If there is none, or its module is not in the folder.
    Exception
        Whatever the module raises.
    """
    name = str(code.application)
    module_name, _, attribute = name.partition(":")
    place = root.joinpath(*module_name.split("."))
    if not (place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()):
        raise ScriptError(place.with_suffix(".py"), "is not there", f"service.json names the application {name!r}.")
    sys.path.insert(0, str(root))
    module = importlib.import_module(module_name)
    file = Path(getattr(module, "__file__", None) or "?")
    if not file.resolve().is_relative_to(root.resolve()):
        hint = f"Another module is called {module_name!r} too; give it another name."
        raise ScriptError(file, "was imported in place of the application's", hint)
    application = _attribute(module, attribute, file)
    if hasattr(application, "to_asgi"):
        return application.to_asgi(), "asgi"
    if not callable(application):
        raise ScriptError(file, f"has {attribute!r}, but it cannot be called", "Name a WSGI or ASGI application.")
    return application, code.interface or interface_of(application)


def interface_of(application: Any) -> Interface:
    """Tell ASGI, ``async def application(scope, receive, send)``, from WSGI."""
    while isinstance(application, functools.partial):
        application = application.func
    called = application if inspect.isroutine(application) else type(application).__call__
    if inspect.iscoroutinefunction(called):
        return "asgi"
    try:
        parameters = inspect.signature(application).parameters.values()
    except (TypeError, ValueError):
        return "wsgi"
    wanted = [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
    return "asgi" if sum(one.default is one.empty for one in wanted) == _ASGI_PARAMETERS else "wsgi"


def _attribute(module: Any, name: str, file: Path) -> Any:
    value = module
    for part in name.removesuffix("()").split("."):
        if not hasattr(value, part):
            raise ScriptError(file, f"has no {name!r}", "service.json names it as the application.")
        value = getattr(value, part)
    return value() if name.endswith("()") else value
