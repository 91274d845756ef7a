"""The chain: whatever is changed of an entry is found, and what an entry's digest is taken of."""

import datetime as dt
import hashlib
import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from modelyard.ledger.chain import FIRST, Head, Link, link, verify
from modelyard.ledger.entry import NewEntry, Verification

NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))
BEGAN = dt.datetime(1970, 1, 1, tzinfo=EAST)
TIMES = st.integers(0, 7 * 10**15).map(lambda microseconds: BEGAN + dt.timedelta(microseconds=microseconds))
CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "number": st.integers(-9, 9),
        "subject": st.text(),
        "at": st.floats(0, 1e10),
        "document": st.binary() | st.just(b"{}"),
        "digest": st.sampled_from([FIRST, "f" * 64]),
    },
)


def _new(facts: dict[str, Any]) -> NewEntry:
    return NewEntry(by="me", why="better", subject="service:digits", action="promoted", facts=facts)


def _chain(count: int) -> list[Link]:
    links, head = [], Head()
    for number in range(count):
        links.append(link(_new({"to": number}), NOON, head))
        head = Head(number=links[-1].number, digest=links[-1].digest)
    return links


LINKS = _chain(5)
HEAD = Head(number=5, digest=LINKS[-1].digest)


def test_the_digest_is_that_of_all_the_rest_as_canonical_json() -> None:
    entry = LINKS[1].entry
    said = structs.asdict(entry) | {"at": "2026-11-28T12:00:00Z"}
    digest = said.pop("digest")
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert digest == hashlib.sha256(canonical.encode()).hexdigest()
    assert entry.previous == LINKS[0].digest


@given(facts=st.dictionaries(st.text(), JSON, max_size=3), at=TIMES)
def test_an_entry_is_read_as_it_was_written(facts: dict[str, Any], at: dt.datetime) -> None:
    one = link(_new(facts), at, Head())

    assert one.entry.facts == facts
    assert (one.entry.at, one.entry.at.tzinfo) == (at, dt.UTC)
    assert verify([one], Head(number=1, digest=one.digest), one.digest).reason == ""


@given(which=st.integers(0, 4), changes=CHANGED)
def test_whatever_is_changed_of_one_entry_is_found(which: int, changes: dict[str, Any]) -> None:
    changed = structs.replace(LINKS[which], **changes)
    assume(changed != LINKS[which])
    rows = {one.number: one for one in LINKS if one.number != which + 1} | {changed.number: changed}

    found = verify([rows[number] for number in sorted(rows)], HEAD, None)

    assert found.reason
    assert found.broken in {which + 1, changed.number}


@given(order=st.permutations(range(5)), count=st.integers(0, 5))
def test_only_all_entries_in_their_order_are_whole(order: list[int], count: int) -> None:
    moved = [structs.replace(LINKS[one], number=place) for place, one in enumerate(order[:count], 1)]

    found = verify(moved, HEAD, None)

    assert (found == Verification(entries=5, head=HEAD.digest)) == (moved == LINKS)
    wrong = [place for place, one in enumerate(moved, 1) if one != LINKS[place - 1]] + [count + 1]
    assert found.broken == (None if moved == LINKS else wrong[0])


def test_a_note_of_a_last_entry_that_never_was_is_found() -> None:
    for head in (Head(digest="f" * 64), Head(number=-1)):
        assert "was changed" in verify([], head, None).reason
        assert verify(LINKS, head, None).broken == 1
