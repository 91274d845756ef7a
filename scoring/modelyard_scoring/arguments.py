"""The command line of the server."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from modelyard_scoring import __version__

PREFIX = "MODELYARD_SCORING_"
_SWITCH = "on or off"
_FLAG: dict[str, Any] = {"action": "store_const", "const": "on"}
_DESCRIPTION = "Serve a model over HTTP: a model folder, or an ONNX file on its own."
_EXAMPLES = f"""\
examples:
  modelyard-score digits.onnx                    serve one file at http://127.0.0.1:8080/score
  modelyard-score ./digits --port 9000           serve a model folder
  modelyard-score ./digits --check               load and try its models, and end
  {PREFIX}KEY=... modelyard-score ./digits --host 0.0.0.0 --workers 2
  modelyard-score ./digits --keys-file keys.json --tls-cert-file cert.pem --tls-key-file key.pem

Each option can also be given as an environment variable, such as {PREFIX}PORT for --port.
The exit status is 0 after SIGTERM, 2 for a wrong setting, 3 when the start failed.
"""


class Option(NamedTuple):
    """One setting: its command option is ``--name-with-dashes``, its variable ``MODELYARD_SCORING_NAME``."""

    name: str
    parse: Callable[[str], Any]
    allowed: str
    default: Any
    help: str
    fixed: bool = False  # a reload leaves it as it is


def read_arguments(options: Sequence[Option], arguments: Sequence[str]) -> dict[str, Any]:
    """Read the command line: the path, and of each option its text, or None.

    An option that is on or off stands alone, or has either word behind ``=``.
    """
    switches = {_flag(option): option.name for option in options if option.allowed == _SWITCH}
    said: dict[str, Any] = {}
    others = []
    for argument in arguments:
        flag, _, text = argument.partition("=")
        if text and flag in switches:
            said[switches[flag]] = text
        else:
            others.append(argument)
    return vars(parser(options).parse_args(others)) | said


def _flag(option: Option) -> str:
    return "--" + option.name.replace("_", "-")


def parser(options: Sequence[Option]) -> argparse.ArgumentParser:
    """Make what reads the command line."""
    made = argparse.ArgumentParser(
        prog="modelyard-score",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("path", metavar="PATH", help="a model folder, which holds service.json, or a file NAME.onnx")
    made.add_argument("--version", action="version", version=f"modelyard-score {__version__}")
    for option in options:
        default = "none" if option.default is None else option.default
        kind = _FLAG if option.allowed == _SWITCH else {"metavar": option.name.upper()}
        made.add_argument(
            _flag(option),
            **kind,
            help=f"{option.help} (allowed: {option.allowed}; default: {default})".replace("%", "%%"),
        )
    return made
