"""What is known of a lease, and what is asked of one."""

from __future__ import annotations

from msgspec import Struct

from modelyard.names import check_name
from modelyard.operation import Page

TTL = 10.0
"""Seconds without a sign of life after which a lease may be taken over, unless its holder says otherwise."""


class LeaseInfo(Struct, frozen=True, kw_only=True):
    """A lease as it stands.

    Parameters
    ----------
    token
        Grows with every taking and never comes again: what its holder writes with.
    beat
        Grows with every sign of life of its holder.
    holder
        Who holds it; None when it is free.
    ttl
        Seconds that `beat` must have stood still before another may take it.
    failures, reason
        How often in a row its work has failed, and why the last time.
    """

    key: str
    token: int
    beat: int
    holder: str | None
    ttl: float
    failures: int = 0
    reason: str = ""


class AcquireLease(Struct, frozen=True, kw_only=True):
    """Who wants a lease; `token` and `beat` are of the holder that was silent, if it is to be taken over."""

    holder: str
    ttl: float = TTL
    token: int | None = None
    beat: int | None = None


class RenewLease(Struct, frozen=True, kw_only=True):
    """A sign of life; `reason` says why the work failed, or is empty if it succeeded."""

    token: int
    reason: str | None = None


class ReleaseLease(Struct, frozen=True, kw_only=True):
    """Which taking of a lease ends."""

    token: int


class LeaseQuery(Struct, frozen=True, kw_only=True):
    """Which leases to list; `limit` is 1 to 1000."""

    limit: int = 100
    cursor: str | None = None


LeasePage = Page[LeaseInfo]


def lease_key(kind: str, name: str) -> str:
    """Write the key of a lease: ``KIND:NAME``.

    Raises
    ------
    InvalidNameError
        If one of them breaks the rule for names.
    """
    return f"{check_name('a kind of work', kind)}:{check_name('a lease', name)}"


def check_key(key: str) -> str:
    """Return `key`, which is ``KIND:NAME``.

    Raises
    ------
    InvalidNameError
        If one of them breaks the rule for names.
    """
    kind, _, name = key.partition(":")
    return lease_key(kind, name)
