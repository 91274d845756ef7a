"""The ledger, in every way that a workspace is reached: entries in order, whole, and what shows that they are not."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain

import pytest
from sqlalchemy import text
from tests.contract.conftest import WAYS, Served, fresh

from modelyard.backend.backend import Backend
from modelyard.backend.remote import connect
from modelyard.errors import InvalidValueError
from modelyard.ledger.chain import FIRST, Head, Link, link
from modelyard.ledger.entry import LedgerEntry, LedgerQuery, NewEntry, Verification, VerifyQuery
from modelyard.ledger.errors import LedgerDamagedError
from modelyard.ledger.operations import append
from modelyard.store.database import Database

NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)

Yard = tuple[Backend, Database]
"""A workspace as it is reached, and the rows behind it: nobody appends but rooms, in their transactions."""


@pytest.fixture(scope="module", params=WAYS)
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    rows = "postgres" if request.param == "postgres" else "sqlite"
    with fresh(rows, request, tmp_path_factory.mktemp("ledger")) as opening:
        backend = opening()
        database = backend.ledger._store.database
        if request.param == "http":
            served = Served(backend.ledger._store)
            remote = connect(served.url, served.tokens["reader"])
            yield remote, database
            remote.close()
            served.close()
        else:
            yield backend, database
            backend.close()


@pytest.fixture
def yard(standing: Yard) -> Yard:
    """Give a workspace whose ledger is as it was when it was made."""
    made = f"INSERT INTO ledger_head (key, number, digest) VALUES (1, 0, '{FIRST}')"
    _run("DELETE FROM ledger_entry", "DELETE FROM ledger_head", made)(standing[1], [])
    return standing


def _new(number: int, subject: str = "service:digits") -> NewEntry:
    return NewEntry(by="me", why="better", subject=subject, action="promoted", facts={"to": number, "ü": [0.1, None]})


def _write(database: Database, count: int, subject: str = "service:digits") -> list[LedgerEntry]:
    return [append(database, _new(n, subject), NOON + dt.timedelta(microseconds=n)) for n in range(1, count + 1)]


def _verify(backend: Backend, head: str | None = None) -> Verification:
    return backend.ledger.verify(VerifyQuery(head=head))


def test_what_was_appended_is_listed_the_newest_first(yard: Yard) -> None:
    backend, database = yard
    written = _write(database, 3)

    assert backend.ledger.list(LedgerQuery()).items == tuple(reversed(written))
    assert [one.number for one in written] == [1, 2, 3]
    assert [one.previous for one in written] == [FIRST, written[0].digest, written[1].digest]
    assert (written[1].at, written[1].facts) == (NOON + dt.timedelta(microseconds=2), {"to": 2, "ü": [0.1, None]})


def test_entries_are_found_by_subject_and_time(yard: Yard) -> None:
    backend, database = yard
    _write(database, 2, "service:digits")
    _write(database, 2, "service:letters")

    def numbers(query: LedgerQuery) -> list[int]:
        return [one.number for one in backend.ledger.list(query).items]

    elsewhere = dt.timezone(dt.timedelta(hours=5, minutes=30))
    until = (NOON + dt.timedelta(microseconds=1)).astimezone(elsewhere)
    assert numbers(LedgerQuery(subject="service:letters")) == [4, 3]
    assert numbers(LedgerQuery(until=until)) == [3, 1]
    assert numbers(LedgerQuery(subject="service:digits", until=NOON)) == []


def test_pages_join_to_the_whole_list(yard: Yard) -> None:
    backend, database = yard
    _write(database, 5)

    first = backend.ledger.list(LedgerQuery(limit=3))
    rest = backend.ledger.list(LedgerQuery(limit=3, cursor=first.cursor))

    assert [one.number for one in (*first.items, *rest.items)] == [5, 4, 3, 2, 1]
    assert rest.cursor is None


def test_a_time_without_zone_is_refused(yard: Yard) -> None:
    with pytest.raises(InvalidValueError, match="time zone"):
        yard[0].ledger.list(LedgerQuery(until=NOON.replace(tzinfo=None)))


@pytest.mark.parametrize("wrong", [{"by": ""}, {"subject": "x" * 251}, {"action": "a\nb"}], ids=str)
def test_an_entry_that_says_nothing_or_too_much_is_refused(yard: Yard, wrong: dict[str, str]) -> None:
    said = {"by": "me", "why": "", "subject": "service:digits", "action": "promoted"}

    with pytest.raises(InvalidValueError, match=next(iter(wrong))):
        append(yard[1], NewEntry(**said | wrong), NOON)
    assert _verify(yard[0]).entries == 0


def test_there_is_no_entry_of_what_was_not_done(yard: Yard) -> None:
    backend, database = yard
    _write(database, 1)

    with suppress(ZeroDivisionError), database.write():
        _write(database, 2)
        _ = 1 / 0
    with database.write():
        _write(database, 2)

    assert (_verify(backend).entries, _verify(backend).reason) == (3, "")


def test_who_only_reads_cannot_append(yard: Yard) -> None:
    with pytest.raises(RuntimeError, match="cannot turn to writing"), yard[1].read():
        _write(yard[1], 1)


def test_eight_who_append_at_once_make_one_whole_chain(yard: Yard) -> None:
    backend, database = yard
    barrier = threading.Barrier(8)

    def write(_number: int) -> list[int]:
        barrier.wait()
        found = []
        for _ in range(5):
            with database.write():  # two in one transaction stand side by side
                found += [one.number for one in _write(database, 2)]
        return found

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(write, range(8)))

    assert sorted(chain.from_iterable(numbers)) == list(range(1, 81))
    assert all(second == first + 1 for mine in numbers for first, second in zip(mine[::2], mine[1::2], strict=True))
    assert (_verify(backend).entries, _verify(backend).reason) == (80, "")


def test_a_ledger_is_whole_while_others_append(yard: Yard) -> None:
    backend, database = yard
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(_write, database, 60)
        found = [_verify(backend)]
        while not writing.done():
            found.append(_verify(backend))

    assert {one.reason for one in found} == {""}
    assert _verify(backend).entries == 60


def test_an_untouched_ledger_is_whole_and_says_its_head(yard: Yard) -> None:
    backend, database = yard
    assert _verify(backend, FIRST) == Verification(entries=0, head=FIRST)
    written = _write(database, 5)

    for kept in (None, FIRST, written[2].digest, written[4].digest):
        assert _verify(backend, kept) == Verification(entries=5, head=written[4].digest)


def _put(database: Database, one: Link) -> None:
    with database.write() as connection:
        connection.execute(text("DELETE FROM ledger_entry WHERE number = :number"), {"number": one.number})
        row = {name: getattr(one, name) for name in Link.__struct_fields__}
        columns = ", ".join(row)
        connection.execute(text(f"INSERT INTO ledger_entry ({columns}) VALUES (:{', :'.join(row)})"), row)


def _forge(number: int) -> Callable[[Database, list[LedgerEntry]], None]:
    """Write an entry anew as Modelyard would have written it, with a digest that is right."""

    def forge(database: Database, written: list[LedgerEntry]) -> None:
        _put(database, link(_new(666), NOON, Head(number=number - 1, digest=written[number - 2].digest)))

    return forge


def _run(*statements: str) -> Callable[[Database, list[LedgerEntry]], None]:
    def run(database: Database, _written: list[LedgerEntry]) -> None:
        with database.write() as connection:
            for statement in statements:
                connection.execute(text(statement))

    return run


COPY = "INSERT INTO ledger_entry (number, subject, at, document, digest) SELECT {}, subject, at, document, digest "
TAMPERED = {
    "content": (
        _run(
            "UPDATE ledger_entry SET document = (SELECT document FROM ledger_entry WHERE number = 2) WHERE number = 3"
        ),
        3,
        "content or its digest",
    ),
    "digest": (_run(f"UPDATE ledger_entry SET digest = '{FIRST}' WHERE number = 3"), 3, "content or its digest"),
    "subject": (_run("UPDATE ledger_entry SET subject = 'service:other' WHERE number = 3"), 3, "found by"),
    "time": (_run("UPDATE ledger_entry SET at = at + 1 WHERE number = 3"), 3, "found by"),
    "deleted": (_run("DELETE FROM ledger_entry WHERE number = 3"), 3, "missing"),
    "first deleted": (_run("DELETE FROM ledger_entry WHERE number = 1"), 1, "missing"),
    "deleted and moved up": (
        _run("DELETE FROM ledger_entry WHERE number = 3", "UPDATE ledger_entry SET number = 3 WHERE number = 4"),
        3,
        "written as entry 4",
    ),
    "inserted": (
        _run(
            "UPDATE ledger_entry SET number = -number - 1 WHERE number >= 3",
            "UPDATE ledger_entry SET number = -number WHERE number < 0",
            COPY.format(3) + "FROM ledger_entry WHERE number = 2",
        ),
        3,
        "written as entry 2",
    ),
    "inserted before": (_run(COPY.format(0) + "FROM ledger_entry WHERE number = 2"), 0, "written as entry 2"),
    "inserted after": (_forge(6), 6, "not appended by Modelyard"),
    "swapped": (
        _run(
            "UPDATE ledger_entry SET number = -2 WHERE number = 2",
            "UPDATE ledger_entry SET number = 2 WHERE number = 3",
            "UPDATE ledger_entry SET number = 3 WHERE number = -2",
        ),
        2,
        "written as entry 3",
    ),
    "cut off": (_run("DELETE FROM ledger_entry WHERE number > 3"), 4, "missing: the ledger had 5"),
    "all cut off": (_run("DELETE FROM ledger_entry"), 1, "missing: the ledger had 5"),
    "written anew": (_forge(3), 4, "does not follow"),
    "last written anew": (_forge(5), 5, "noted as its last"),
    "note of the last gone": (_run("DELETE FROM ledger_head"), None, "nobody can know"),
}


@pytest.mark.parametrize(("tamper", "broken", "reason"), TAMPERED.values(), ids=list(TAMPERED))
def test_what_was_tampered_with_is_found_and_named(
    yard: Yard, tamper: Callable[[Database, list[LedgerEntry]], None], broken: int | None, reason: str
) -> None:
    backend, database = yard
    written = _write(database, 5)
    assert _verify(backend).reason == ""

    tamper(database, written)

    found = _verify(backend)
    assert found.broken == broken
    assert reason in found.reason
    assert found.entries == (5 if broken is None else max(broken - 1, 0))


def test_what_the_chain_alone_cannot_show_a_kept_head_does(yard: Yard) -> None:
    backend, database = yard
    kept = _write(database, 5)[-1].digest
    _run(
        "DELETE FROM ledger_entry WHERE number > 3",
        "UPDATE ledger_head SET number = 3, digest = (SELECT digest FROM ledger_entry WHERE number = 3)",
    )(database, [])

    assert _verify(backend).reason == ""
    found = _verify(backend, kept)
    assert (found.entries, found.broken) == (3, None)
    assert f"no entry has the digest {kept}" in found.reason


def test_what_follows_a_cut_does_not_hide_it(yard: Yard) -> None:
    backend, database = yard
    _write(database, 5)
    _run("DELETE FROM ledger_entry WHERE number > 3")(database, [])

    _write(database, 1)

    assert (_verify(backend).broken, _verify(backend).reason) == (4, "it is missing")


def test_an_entry_that_cannot_be_read_is_an_error_that_names_it(yard: Yard) -> None:
    backend, database = yard
    for document in (b"{", b"[]", b"{}", b"\xff"):
        _put(database, Link(number=7, subject="service:digits", at=1.0, document=document, digest=FIRST))

        with pytest.raises(LedgerDamagedError, match="entry 7 cannot be read"):
            backend.ledger.list(LedgerQuery())


def test_nothing_is_appended_after_a_note_that_is_gone(yard: Yard) -> None:
    _run("DELETE FROM ledger_head")(yard[1], [])

    with pytest.raises(LedgerDamagedError, match="nothing can follow"):
        _write(yard[1], 1)


@pytest.mark.parametrize("head", ["", "abc", "g" * 64, "A" * 64])
def test_a_kept_head_that_is_no_digest_is_refused(yard: Yard, head: str) -> None:
    with pytest.raises(InvalidValueError, match="sha256"):
        _verify(yard[0], head)
