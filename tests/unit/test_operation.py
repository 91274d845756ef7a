"""Operations are read from their declarations."""

import pytest
from msgspec import Struct

from modelyard.operation import operation, operations


class Query(Struct, frozen=True, kw_only=True):
    limit: int = 10


class Things:
    @operation("POST /things/{name}/parts/{number}", synced=False)
    def add(self, name: str, number: int, new: Query) -> str:
        """Add a part.

        More.
        """
        return f"{name}{number}{new}"

    @operation("GET /things")
    def list(self, query: Query) -> int:
        """List things."""
        return query.limit

    @operation("DELETE /things/{name}", role="owner")
    def delete(self, name: str) -> None:
        """Delete one."""

    def private(self) -> None:
        """Stay out."""


def test_a_declaration_is_read_in_the_order_of_the_methods() -> None:
    add, listed, delete = operations(Things)
    assert [(a.name, a.type) for a in add.arguments] == [("name", str), ("number", int), ("new", Query)]
    assert (add.method, add.role, add.synced, add.summary) == ("POST", "contributor", False, "Add a part.")
    assert add.body is not None
    assert add.query is None
    assert (listed.role, listed.body, listed.query is not None, listed.result) == ("reader", None, True, int)
    assert (delete.role, delete.body, delete.query, delete.result) == ("owner", None, None, type(None))


def test_two_structs_are_refused() -> None:
    class Wrong:
        @operation("POST /wrong")
        def add(self, one: Query, two: Query) -> None:
            """Add."""

    with pytest.raises(TypeError, match="takes one struct"):
        list(operations(Wrong))
