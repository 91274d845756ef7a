"""``modelyard service``: rollouts by hand, and what happened."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
import msgspec

from modelyard.cli.output import as_json, opened, print_facts, print_json, print_table, where
from modelyard.cli.pairs import read_pairs
from modelyard.cli.policy import policy_options, read_policy
from modelyard.cli.service_table import facts_of, following
from modelyard.errors import InvalidValueError
from modelyard.sdk.service.history import history, service_at
from modelyard.sdk.service.service import Service
from modelyard.sdk.service.waiting import told_of

_why = click.option("--why", default="", help="For the ledger.")


def add_rollouts(service: click.Group) -> None:
    """Add the commands of this module to ``modelyard service``."""
    for one in (update, rollback, promote, abort, wait, history_, at):
        service.add_command(one)


@click.command()
@click.argument("name")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting; VALUE is JSON or text.")
@click.option("--replicas", type=click.IntRange(1, 64), help="Running copies of the revision that serves.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="All tags that it is to have.")
@_why
@where
@as_json
def update(
    name: str, settings: tuple[str, ...], tags: tuple[str, ...], where: str | None, as_json: bool, **more: Any
) -> None:
    """Change how a service is reached, its replicas or tags; no new revision is started for it.

    \b
    Example:
      modelyard service update digits --replicas 3 --set timeout=10 --set 'sticky={"by":"header","name":"x-user"}'
    """
    changes = {key: _value(text) for key, text in read_pairs("--set", settings).items()}
    if more["replicas"] is not None:
        changes["replicas"] = more["replicas"]
    with opened(where) as workspace:
        service = Service(workspace, name)
        service.update(tags=read_pairs("--tag", tags) if tags else None, why=more["why"], **changes)
        if as_json:
            print_json(service.info.settings)
            return
    print_facts(msgspec.structs.asdict(service.info.settings).items())


@click.command()
@click.argument("name")
@click.option("--to", type=int, metavar="REVISION", help="By default the one that served before.")
@policy_options
@_why
@where
def rollback(name: str, to: int | None, where: str | None, **options: Any) -> None:
    """Have a revision serve again, and wait until it does.

    \b
    Example:
      modelyard service rollback digits --why "wrong labels since noon"
    """
    policy = read_policy(options)
    with opened(where) as workspace, following(name, f"Rolling {name} back") as say:
        service = Service(workspace, name).rollback(to, policy=policy, why=options["why"], say=say)
    click.echo(f"Revision {service.info.standing.serving} ({service.image}) serves {name}")


@click.command()
@click.argument("name")
@_why
@where
def promote(name: str, why: str, where: str | None) -> None:
    """Have the rollout that is under way go on at once: by hand to its next stage, else to its end.

    \b
    Example:
      modelyard service promote digits
    """
    with opened(where) as workspace:
        Service(workspace, name).promote(why)
    click.echo(f"Asked; to see it through: modelyard service wait {name}")


@click.command()
@click.argument("name")
@_why
@where
def abort(name: str, why: str, where: str | None) -> None:
    """Have the rollout that is under way return to the revision before, and wait until that is so.

    \b
    Example:
      modelyard service abort digits --why "the wrong image"
    """
    with opened(where) as workspace, following(name, f"Going back with {name}"):
        service = Service(workspace, name).abort(why)
    serving = service.info.standing.serving
    click.echo(f"{name}: {'nothing serves' if serving is None else f'revision {serving} serves'}")


@click.command()
@click.argument("name")
@click.option("--timeout", type=float, metavar="SECONDS", help="By default for as long as it takes.")
@where
@as_json
def wait(name: str, timeout: float | None, where: str | None, as_json: bool) -> None:
    """Wait until the rollout that is under way has ended; exit status 1 if it was returned.

    \b
    Example:
      modelyard service wait digits --timeout 600
    """
    with opened(where) as workspace, following(name, f"Waiting for {name}") as say:
        service = Service(workspace, name).wait(timeout, say)
    if as_json:
        print_json(facts_of(service))
    elif service.rollout is not None:
        click.echo(f"{name}: {told_of(service.rollout)}")


@click.command("history")
@click.argument("name")
@click.option("-n", "--lines", default=50, show_default=True, help="How many, of the newest.")
@where
@as_json
def history_(name: str, lines: int, where: str | None, as_json: bool) -> None:
    """List what happened to a service, the newest first: who, when, why, from, to; also of one that was deleted.

    \b
    Example:
      modelyard service history digits
    """
    with opened(where) as workspace:
        entries = [entry for entry, _ in zip(history(workspace, name), range(lines), strict=False)]
    if as_json:
        print_json(entries)
        return
    rows = [
        (
            entry.number,
            entry.at.isoformat(sep=" ", timespec="seconds"),
            entry.action,
            _facts(entry.facts),
            entry.by,
            entry.why,
        )
        for entry in entries
    ]
    print_table(("ENTRY", "AT", "ACTION", "WHAT", "BY", "WHY"), rows, f"Nothing happened to {name}.")


@click.command()
@click.argument("name")
@click.argument("time")
@where
@as_json
def at(name: str, time: str, where: str | None, as_json: bool) -> None:
    """Say what served at a TIME, such as 2026-11-28T14:30 (of this machine's zone) or 2026-11-28T14:30Z.

    \b
    Example:
      modelyard service at digits 2026-11-28T14:30
    """
    try:
        moment = dt.datetime.fromisoformat(time).astimezone(dt.UTC)
    except ValueError:
        raise InvalidValueError(f"time {time!r}", "write it as 2026-11-28T14:30, with Z or +01:00 for a zone") from None
    with opened(where) as workspace:
        served = service_at(workspace, name, moment)
    if as_json:
        print_json(served)
        return
    if not served:
        click.echo(f"Nothing served {name} then")
    for one in served:
        click.echo(f"{one.share:>3} %  revision {one.revision}  {one.image}  {one.digest}")


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _facts(facts: dict[str, Any]) -> str:
    told = {
        key: value for key, value in facts.items() if key not in ("evidence", "digest") and value not in (None, "", {})
    }
    return " ".join(f"{key}={msgspec.json.encode(value).decode()}" for key, value in told.items())[:120]
