"""docs/reference/cli.md: every command with its help."""

from collections.abc import Iterator

import click

from modelyard.cli.main import modelyard

HEAD = """# Command line

Made from the code by `make docs`. Each command prints this with `--help`.
"""


def page() -> str:
    """Give the page."""
    return HEAD + "".join(_section(context) for context in contexts())


def contexts(context: click.Context | None = None) -> Iterator[click.Context]:
    """Walk the commands depth first, as they are called: `modelyard`, `modelyard run`, `modelyard run list`, ..."""
    context = context or _context(modelyard, "modelyard")
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command and not command.hidden:
                yield from contexts(_context(command, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    """Make the context that the command has when it is called, with a width that depends on no terminal."""
    return click.Context(command, info_name=name, parent=parent, terminal_width=100, **command.context_settings)


def _section(context: click.Context) -> str:
    level = "#" * min(len(context.command_path.split()) + 1, 4)
    return f"\n{level} {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n"
