"""What an entry of the ledger says, and what is asked of the ledger."""

from __future__ import annotations

import datetime as dt
from typing import Any

from msgspec import Struct

from modelyard.operation import Page


class NewEntry(Struct, frozen=True, kw_only=True):
    """What is to be written down.

    Parameters
    ----------
    by, why
        Who did it, and why.
    subject
        What it was done to, ``KIND:NAME``, such as ``service:digits``.
    action
        What was done, such as ``promoted``.
    facts
        From what, to what, and the evidence: plain JSON.
    """

    by: str
    why: str
    subject: str
    action: str
    facts: dict[str, Any] = {}


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """What happened, as it is kept.

    Parameters
    ----------
    number
        Counts from 1 without gaps.
    previous
        The digest of the entry before; of the first, 64 zeros.
    digest
        The sha256 of all the rest as JSON with sorted keys and without spaces, in hexadecimal.
    """

    number: int
    at: dt.datetime
    by: str
    why: str
    subject: str
    action: str
    facts: dict[str, Any]
    previous: str
    digest: str


class LedgerQuery(Struct, frozen=True, kw_only=True):
    """Which entries to list, the newest first: of a subject, and up to a time; `limit` is 1 to 1000."""

    subject: str | None = None
    until: dt.datetime | None = None
    limit: int = 100
    cursor: str | None = None


class VerifyQuery(Struct, frozen=True, kw_only=True):
    """What the ledger is held against: `head` is a digest that was kept elsewhere, if one was."""

    head: str | None = None


class Verification(Struct, frozen=True, kw_only=True):
    """What was found of the ledger.

    Parameters
    ----------
    entries
        How many there are, up to the first that is wrong.
    head
        The digest of the last of these: to keep elsewhere.
    broken
        The first entry that is wrong or missing; None if none is, or nobody can know which.
    reason
        What is wrong; empty if nothing is.
    """

    entries: int
    head: str
    broken: int | None = None
    reason: str = ""


LedgerPage = Page[LedgerEntry]
