"""The chain: what an entry's digest is taken of, and what shows that entries were changed afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct, structs

from modelyard.ledger.entry import LedgerEntry, NewEntry, Verification
from modelyard.ledger.errors import LedgerDamagedError

FIRST = "0" * 64
"""What the first entry has for the digest of the one before."""


class Link(Struct, frozen=True, kw_only=True):
    """An entry as a row: `document` is what `digest` is taken of, the rest says again what the row is found by."""

    number: int
    subject: str
    at: float
    document: bytes
    digest: str

    @property
    def entry(self) -> LedgerEntry:
        """What the document says.

        Raises
        ------
        LedgerDamagedError
            If it is not an entry.
        """
        try:
            said = msgspec.json.decode(self.document, type=dict[str, object])
            return msgspec.convert(said | {"digest": self.digest}, LedgerEntry)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise LedgerDamagedError(f"entry {self.number} cannot be read ({error})") from None


class Head(Struct, frozen=True, kw_only=True):
    """The last entry: its number and its digest."""

    number: int = 0
    digest: str = FIRST


def link(new: NewEntry, at: dt.datetime, head: Head) -> Link:
    """Make the entry that follows `head`."""
    at = at.astimezone(dt.UTC)
    number = head.number + 1
    said = structs.asdict(new) | {"number": number, "at": at, "previous": head.digest}
    document = msgspec.json.encode(said, order="sorted")
    digest = hashlib.sha256(document).hexdigest()
    return Link(number=number, subject=new.subject, at=at.timestamp(), document=document, digest=digest)


def verify(links: Iterable[Link], head: Head | None, kept: str | None) -> Verification:
    """Look whether every entry is there and as it was written.

    Parameters
    ----------
    links
        By number.
    head
        The last entry, as the ledger keeps it beside the entries.
    kept
        The digest of an entry that somebody has kept elsewhere.
    """
    last, is_there = Head(), kept in (None, FIRST)
    for one in links:
        if reason := _fault(one, last, head):
            broken = min(one.number, last.number + 1)
            return Verification(entries=last.number, head=last.digest, broken=broken, reason=reason)
        last = Head(number=one.number, digest=one.digest)
        is_there = is_there or one.digest == kept
    found = Verification(entries=last.number, head=last.digest)
    if head is None:
        reason = "the ledger's note of its last entry is gone: nobody can know whether the end was cut off"
        return structs.replace(found, reason=reason)
    if head.number > last.number:
        reason = f"it is missing: the ledger had {head.number} entries"
        return structs.replace(found, broken=last.number + 1, reason=reason)
    if head != last:
        return structs.replace(found, reason="the ledger's note of its last entry was changed")
    if not is_there:
        reason = f"no entry has the digest {kept}: the end was cut off, or the ledger was written anew"
        return structs.replace(found, reason=reason)
    return found


def _fault(one: Link, last: Head, head: Head | None) -> str:
    """Say what is wrong with an entry that should follow `last`; empty if nothing is."""
    if head is not None and last.number >= head.number:
        return f"it was not appended by Modelyard: the ledger had {head.number} entries"
    if one.number > last.number + 1:
        return "it is missing"
    if hashlib.sha256(one.document).hexdigest() != one.digest:
        return "its content or its digest was changed after it was written"
    try:
        entry = one.entry
    except LedgerDamagedError:
        return "it cannot be read, and was not written by Modelyard"
    found_by = (entry.subject, entry.at.timestamp()) == (one.subject, one.at)
    is_noted = head is None or one.number != head.number or one.digest == head.digest
    expected = (
        (entry.number == one.number, f"what stands there was written as entry {entry.number}: entries were moved"),
        (entry.previous == last.digest, "it does not follow the entry before: one of the two was written anew"),
        (found_by, "the subject or the time that it is found by was changed after it was written"),
        (is_noted, "it is not what the ledger has noted as its last: it was written anew"),
    )
    return next((reason for holds, reason in expected if not holds), "")
