"""docs/reference/errors.md: every error that is raised on purpose."""

import inspect

from docs.generate.prose import markdown
from docs.generate.source import modules_called

HEAD = """# Errors

Made from the code by `make docs`. Every error has a `code` that stays the same, and keeps the facts that its text is
made from as attributes. On the command line an error is one line and status 1; over HTTP it is a JSON document with
its code and its facts.
"""


def page() -> str:
    """Give the page."""
    return HEAD + "".join(_section(error) for error in classes())


def classes() -> list[type[Exception]]:
    """List the errors of every ``errors`` module, where they are defined."""
    found = [
        error
        for module in modules_called("errors")
        for error in vars(module).values()
        if inspect.isclass(error) and issubclass(error, Exception) and error.__module__ == module.__name__
    ]
    return sorted(found, key=lambda error: (error.__module__, error.__name__))


def _section(error: type[Exception]) -> str:
    facts = list(inspect.signature(error).parameters) if inspect.isfunction(error.__init__) else []
    lines = [
        f"Code `{error.code}`." if isinstance(getattr(error, "code", None), str) else "",
        f"A kind of `{error.__mro__[1].__name__}`.",
        f"Facts: {', '.join(f'`{name}`' for name in facts)}." if facts else "",
    ]
    title = f"{error.__module__}.{error.__name__}"
    return f"\n## {title}\n\n{markdown(error.__doc__)}\n\n{' '.join(filter(None, lines))}\n"
