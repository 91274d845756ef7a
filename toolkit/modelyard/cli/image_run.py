"""``modelyard image run``: an image in the foreground, without a service."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click
import msgspec

from modelyard.cli.output import opened, spinner, where
from modelyard.sdk.image.image import Image
from modelyard.sdk.image.running import RunningImage

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOWN = 400
"""Characters of a request that are printed; a longer one is left to the reader."""


@click.command()
@click.argument("image")
@click.option("--target", default="process", show_default=True, help="Where to run it.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On loopback (default: a free one).")
@click.option("--timeout", default=120.0, show_default=True, metavar="SECONDS", help="Until it must be ready.")
@where
def run(image: str, target: str, port: int, timeout: float, where: str | None) -> None:
    """Run an image without a service, and print its log, until Ctrl-C; nothing is left of it.

    \b
    Example:
      modelyard image run digits:3 --target container
    """
    with opened(where) as workspace, _ended_by_signals(), ExitStack() as stack:
        found = Image(workspace, image)
        with spinner(f"Starting {found.id}") as say:
            running = stack.enter_context(found.run(target, port=port, timeout=timeout, say=say))
        click.echo(f"{found.id} runs at {running.url} until Ctrl-C. Try it:\n  {_example(running)}")
        try:
            for line in running.follow():
                click.echo(line)
        except KeyboardInterrupt:
            for number in _ENDING:  # it ends already
                signal.signal(number, signal.SIG_IGN)
            return
        reason = running.observe().detail
    click.echo(f"modelyard: {found.id} ended: {reason}", err=True)
    raise SystemExit(1)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Take the end of the terminal, and SIGTERM, as Ctrl-C."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _example(running: RunningImage) -> str:
    body = msgspec.json.encode(running.sample() or {"data": []}).decode()
    data = body if len(body) <= _SHOWN else "@request.json"
    headers = (f"authorization: Bearer {running.key}", "content-type: application/json")
    return shlex.join(["curl", *(f"-H{header}" for header in headers), "-d", data, running.scoring_uri])
