"""``modelyard ledger``: read what happened, and prove that it stands as it was written."""

from __future__ import annotations

from itertools import islice

import click

from modelyard.cli.output import as_json, opened, print_facts, print_json, print_table, where
from modelyard.ledger.entry import LedgerQuery, VerifyQuery
from modelyard.paging import every


@click.group(name="ledger")
def command() -> None:
    """Read what happened, and prove that it stands as it was written."""


@command.command("list")
@click.option("--subject", metavar="KIND:NAME", help="Only what was done to it.")
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, metavar="N", help="Show so many.")
@where
@as_json
def list_(subject: str | None, limit: int, where: str | None, as_json: bool) -> None:
    """List what happened, the newest first.

    \b
    Example:
      modelyard ledger list --subject service:digits
    """
    with opened(where) as workspace:
        query = LedgerQuery(subject=subject, limit=min(limit, 1000))
        found = list(islice(every(workspace.backend.ledger.list, query), limit))
    if as_json:
        print_json(found)
        return
    rows = [(e.number, e.at.strftime("%Y-%m-%d %H:%M:%S"), e.subject, e.action, e.by, e.why) for e in found]
    print_table(("ENTRY", "AT (UTC)", "SUBJECT", "ACTION", "BY", "WHY"), rows, "Nothing is written down.")


@command.command()
@click.option("--head", metavar="DIGEST", help="One that you kept: prove that all up to it is there as it was.")
@where
@as_json
def verify(head: str | None, where: str | None, as_json: bool) -> None:
    """Look whether every entry is there and as it was written, and print the head to keep elsewhere. Status 1 if not.

    \b
    Example:
      modelyard ledger verify
      modelyard ledger verify --head 3f1c0c53…
    """
    with opened(where) as workspace:
        found = workspace.backend.ledger.verify(VerifyQuery(head=head))
    if as_json:
        print_json(found)
    else:
        print_facts([("whole up to entry", found.entries), ("head", found.head)])
    if found.reason:
        at = "" if found.broken is None else f" at entry {found.broken}"
        click.echo(f"modelyard: The ledger is broken{at}: {found.reason}", err=True)
    raise SystemExit(1 if found.reason else 0)
