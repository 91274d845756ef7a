"""Aliases of models and the history of their moves, in every way that a workspace can be reached."""

import pytest

from modelyard.errors import InvalidNameError, NotFoundError
from modelyard.models.model import AliasMoveQuery, MoveAlias, RemoveAlias


def test_an_alias_moves_and_every_move_is_kept(backend, register):
    register()
    register()
    aliases = backend.model_aliases
    aliases.move("digits", "champion", MoveAlias(version=1, why="first"))
    aliases.move("digits", "champion", MoveAlias(version=2, why="better"))
    aliases.remove("digits", "champion", RemoveAlias(why="wrong"))
    moves = aliases.moves("digits", AliasMoveQuery()).items
    assert [(one.before, one.after, one.why) for one in moves] == [
        (2, None, "wrong"),
        (1, 2, "better"),
        (None, 1, "first"),
    ]
    assert aliases.list("digits").items == ()


def test_moving_an_alias_to_where_it_is_changes_nothing(backend, register):
    register()
    first = backend.model_aliases.move("digits", "champion", MoveAlias(version=1))
    again = backend.model_aliases.move("digits", "champion", MoveAlias(version=1, why="again"))
    assert again == first
    assert len(backend.model_aliases.moves("digits", AliasMoveQuery()).items) == 1


def test_the_one_who_moves_is_named_by_the_server_or_by_the_caller(backend, register):
    register()
    backend.model_aliases.move("digits", "champion", MoveAlias(version=1, who="somebody"))
    (move,) = backend.model_aliases.moves("digits", AliasMoveQuery()).items
    assert move.who == ("owner" if backend.location.startswith("http") else "somebody")


def test_aliases_and_moves_are_listed_by_alias_and_in_pages(backend, register):
    register()
    register()
    for alias in ("b", "a"):
        for version in (1, 2):
            backend.model_aliases.move("digits", alias, MoveAlias(version=version))
    assert [(one.alias, one.version) for one in backend.model_aliases.list("digits").items] == [("a", 2), ("b", 2)]
    page = backend.model_aliases.moves("digits", AliasMoveQuery(limit=3))
    rest = backend.model_aliases.moves("digits", AliasMoveQuery(limit=3, cursor=page.cursor))
    assert [one.alias for one in (*page.items, *rest.items)] == ["a", "a", "b", "b"]
    assert rest.cursor is None
    assert len(backend.model_aliases.moves("digits", AliasMoveQuery(alias="b")).items) == 2


def test_an_alias_needs_a_version_that_is_there_and_a_name(backend, register):
    register()
    with pytest.raises(NotFoundError, match="digits:2"):
        backend.model_aliases.move("digits", "champion", MoveAlias(version=2))
    with pytest.raises(NotFoundError, match="none"):
        backend.model_aliases.move("none", "champion", MoveAlias(version=1))
    with pytest.raises(InvalidNameError, match="an alias"):
        backend.model_aliases.move("digits", "the champion", MoveAlias(version=1))
    with pytest.raises(NotFoundError, match="champion"):
        backend.model_aliases.remove("digits", "champion", RemoveAlias())
    with pytest.raises(NotFoundError, match="none"):
        backend.model_aliases.list("none")
