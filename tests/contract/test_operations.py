"""Every operation, in every way that a workspace is reached: what it answers, and what it refuses."""

from collections.abc import Iterator

import msgspec
import pytest
from tests.contract.conftest import WAYS, fresh
from tests.contract.yard import CALLS, Yard, declared, fill, room_of

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidNameError, ModelyardError
from modelyard.operation import Operation, Page
from modelyard.tracking.run import ExperimentQuery, NewExperiment

OPERATIONS = [pytest.param(name, room, one, id=name) for name, room, one in declared()]
READING = [row for row in OPERATIONS if row.values[2].method == "GET"]
CHANGING = [row for row in OPERATIONS if row.values[2].method != "GET"]
NAMED = [row for row in OPERATIONS if any(a.type is str for a in row.values[2].in_path)]
PAGED = [row for row in OPERATIONS if row.values[2].query and "cursor" in row.values[2].query.type.__struct_fields__]
BAD_NAMES = ["..", ".", "a/b", "../../etc/passwd", "a\x00b", "x" * 300, "d\u0456gits", "digits ", "%2e%2e", "a\nb"]


@pytest.fixture
def yard(backend: Backend) -> Yard:
    """Make one of everything, in each of the ways there are."""
    return fill(backend)


@pytest.fixture(scope="module", params=WAYS)
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Make one of everything, once for all tests that change nothing."""
    with fresh(request.param, request, tmp_path_factory.mktemp("standing")) as opens:
        backend = opens()
        yield fill(backend)
        backend.close()


def _call(yard: Yard, room: type, one: Operation, arguments: tuple) -> object:
    return getattr(room_of(yard.backend, room), one.name)(*arguments)


def _refusal(yard: Yard, room: type, one: Operation, arguments: tuple) -> str:
    """Give the code of the error, or "nothing" where there was nothing to give or to do."""
    try:
        answer = _call(yard, room, one, arguments)
    except ModelyardError as error:
        return error.code
    return "nothing" if answer is None or answer == Page(items=()) else repr(answer)


def test_every_operation_has_a_row_here_and_every_row_an_operation() -> None:
    assert {name for name, _, _ in declared()} == set(CALLS)


def test_no_two_operations_have_one_route() -> None:
    routes = [(one.method, one.path) for _, _, one in declared()]

    assert len(set(routes)) == len(routes)


@pytest.mark.parametrize(("name", "room", "one"), READING)
def test_reading_answers_with_what_it_declares(standing: Yard, name: str, room: type, one: Operation) -> None:
    answer = _call(standing, room, one, CALLS[name](standing))

    assert msgspec.json.decode(msgspec.json.encode(answer), type=one.result) == answer


@pytest.mark.parametrize(("name", "room", "one"), CHANGING)
def test_changing_answers_with_what_it_declares(yard: Yard, name: str, room: type, one: Operation) -> None:
    answer = _call(yard, room, one, CALLS[name](yard))

    assert msgspec.json.decode(msgspec.json.encode(answer), type=one.result) == answer


@pytest.mark.parametrize(("name", "room", "one"), NAMED)
def test_names_that_break_the_rule_are_refused(standing: Yard, name: str, room: type, one: Operation) -> None:
    arguments = list(CALLS[name](standing))
    for position in [i for i, a in enumerate(one.in_path) if a.type is str]:
        for bad in BAD_NAMES:
            wrong = (*arguments[:position], bad, *arguments[position + 1 :])
            assert _refusal(standing, room, one, wrong) in {
                "invalid-name",
                "invalid-reference",
                "invalid-value",
                "not-found",
                "nothing",
            }, bad


@pytest.mark.parametrize("bad", BAD_NAMES, ids=ascii)
def test_a_name_in_a_body_that_breaks_the_rule_is_refused(backend: Backend, bad: str) -> None:
    with pytest.raises(InvalidNameError, match="1 to 128 characters"):
        backend.experiments.create(NewExperiment(name=bad))

    assert backend.experiments.list(ExperimentQuery()).items == ()


@pytest.mark.parametrize(("name", "room", "one"), [row for row in NAMED if row.values[2].method == "GET"])
def test_what_is_not_there_is_an_error_of_the_tree(standing: Yard, name: str, room: type, one: Operation) -> None:
    nowhere = tuple("0" * 64 if a.type is str else 7 for a in one.in_path)

    assert _refusal(standing, room, one, nowhere + CALLS[name](standing)[len(nowhere) :]) in {
        "not-found",
        "missing-blob",
        "nothing",
    }


@pytest.mark.parametrize(("name", "room", "one"), PAGED)
def test_a_page_that_cannot_be_is_refused(standing: Yard, name: str, room: type, one: Operation) -> None:
    *path, _ = CALLS[name](standing)
    for wrong in ({"limit": 0}, {"limit": -1}, {"limit": 10**9}):
        assert _refusal(standing, room, one, (*path, one.query.type(**wrong))) == "invalid-value", wrong


@pytest.mark.parametrize(("name", "room", "one"), PAGED)
def test_a_cursor_from_elsewhere_is_refused_or_gives_a_page(
    standing: Yard, name: str, room: type, one: Operation
) -> None:
    *path, _ = CALLS[name](standing)
    for cursor in ("nonsense", "0", "\u00fc", '["a"]'):
        answer = _refusal(standing, room, one, (*path, one.query.type(cursor=cursor)))
        assert answer in {"invalid-value", "nothing"} or answer.startswith("Page("), cursor


def test_pages_join_to_the_whole_list(backend: Backend) -> None:
    names = {f"e{number:02}" for number in range(23)}
    for name in names:
        backend.experiments.create(NewExperiment(name=name))

    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = backend.experiments.list(ExperimentQuery(limit=5, cursor=cursor))
        found, cursor, pages = [*found, *(one.name for one in page.items)], page.cursor, pages + 1

    assert (set(found), len(found), pages) == (names, 23, 5)
