"""``modelyard NOUN VERB``: the commands, each noun loaded when it is named."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from modelyard import __version__
from modelyard.errors import ModelyardError

NOUNS = (
    "compute",
    "dataset",
    "datastore",
    "doctor",
    "down",
    "environment",
    "experiment",
    "image",
    "ledger",
    "model",
    "pipeline",
    "run",
    "runner",
    "server",
    "service",
    "up",
    "workspace",
)
"""The commands of the first level; each has a module of its name here."""


class _Nouns(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in NOUNS:
            return None
        command: click.Command = import_module(f"modelyard.cli.{cmd_name}").command
        return command


@click.group(cls=_Nouns, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="modelyard")
def modelyard() -> None:
    """Take a trained model from the script to a running, measured, supervised service.

    \b
    Start here:
      modelyard workspace create docs-ws
      modelyard doctor
    Completion for your shell:
      eval "$(_MODELYARD_COMPLETE=bash_source modelyard)"
    """


def main() -> None:
    """Run a command; an expected failure is one line and status 1, a bug keeps its traceback."""
    try:
        status = modelyard.main(standalone_mode=False)
    except ModelyardError as error:
        click.echo(f"modelyard: {error}", err=True)
        sys.exit(1)
    except click.exceptions.Abort:
        click.echo("modelyard: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing is left to say
        sys.exit(141)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
