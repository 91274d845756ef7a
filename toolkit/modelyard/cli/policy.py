"""The options that say how a revision comes into traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from modelyard.errors import InvalidValueError
from modelyard.services.policy import SOAK, STEPS, Policy

F = TypeVar("F", bound=Callable[..., Any])

_KINDS = ("all-at-once", "blue-green", "canary", "mirror", "manual")
_OWN = ("samples", "error_share", "slower", "differing", "patience", "few", "standby", "gate")


def policy_options(command: F) -> F:
    """Add the options of a policy to a command."""
    options = (
        click.option(
            "--policy",
            "kind",
            type=click.Choice(_KINDS),
            default="all-at-once",
            show_default=True,
            help="How the revision comes into traffic.",
        ),
        click.option("--steps", metavar="PERCENTS", help="Of canary and manual (default: 10,50)."),
        click.option("--percent", type=float, help="Of requests that mirror copies (default: 10)."),
        click.option("--soak", type=float, metavar="SECONDS", help="Of a stage (default: 60)."),
        click.option("--samples", type=int, help="Answers that a stage is judged by at least (default: 500)."),
        click.option(
            "--error-share", type=float, help="Failed answers beyond the old revision's share (default: 0.01)."
        ),
        click.option("--slower", type=float, help="Times the old revision's p99 (default: 2)."),
        click.option("--differing", type=float, help="Share of copies answered otherwise (default: 0.01)."),
        click.option("--patience", type=float, metavar="SECONDS", help="To wait for enough answers beyond the soak."),
        click.option("--few", type=click.Choice(["return", "go on"]), help="With too few answers (default: return)."),
        click.option("--standby", type=float, metavar="SECONDS", help="For which the old revision goes on running."),
        click.option("--gate", help="The load test that must be passed before any traffic."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_policy(options: dict[str, Any]) -> Policy:
    """Take the options of a policy out of `options`, and make it.

    Raises
    ------
    InvalidValueError
        If one does not go with the kind of policy, or is not allowed.
    """
    kind, steps, percent, soak = (options.pop(key) for key in ("kind", "steps", "percent", "soak"))
    own = {key: value for key in _OWN if (value := options.pop(key)) is not None}
    takes = {"canary": ("steps", "soak"), "manual": ("steps",), "mirror": ("percent", "soak"), "blue-green": ("soak",)}
    for name, value in (("steps", steps), ("percent", percent), ("soak", soak)):
        if value is not None and name not in takes.get(kind, ()):
            raise InvalidValueError(f"--{name} {value}", f"the policy {kind} has none")
    percents = STEPS if steps is None else _percents(steps)
    seconds = SOAK if soak is None else soak
    made: dict[str, Callable[[], Policy]] = {
        "all-at-once": Policy.all_at_once,
        "blue-green": lambda: Policy.blue_green(soak=seconds),
        "canary": lambda: Policy.canary(percents, soak=seconds),
        "mirror": lambda: Policy.mirror(percent=10.0 if percent is None else percent, soak=seconds),
        "manual": lambda: Policy.by_hand(percents),
    }
    return replace(made[kind](), **own)


def _percents(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidValueError(f"--steps {text!r}", "write percents with commas between them, such as 10,50") from None
