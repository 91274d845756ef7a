"""Lists in pages: what a query may ask for, and going on until the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import Struct, structs

from modelyard.errors import InvalidValueError
from modelyard.operation import Page

T = TypeVar("T")
_MOST = 1000


Q = TypeVar("Q", bound=Struct)


def check_limit(limit: int) -> int:
    """Return `limit`.

    Raises
    ------
    InvalidValueError
        If it is not 1 to 1000.
    """
    if not 1 <= limit <= _MOST:
        raise InvalidValueError("limit", f"1 to {_MOST}, not {limit}")
    return limit


def read_cursor(cursor: str) -> int:
    """Read what a page gave to go on with, where that is a row's number.

    Raises
    ------
    InvalidValueError
        If it is not that.
    """
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InvalidValueError(f"cursor {cursor[:40]!r}", "use the one that the page before gave")
    return int(cursor)


def every(list_page: Callable[[Q], Page[T]], query: Q) -> Iterator[T]:
    """List all that a query chooses, page by page as it is asked for; the query has a field `cursor`."""
    while True:
        page = list_page(query)
        yield from page.items
        if page.cursor is None:
            return
        query = structs.replace(query, cursor=page.cursor)
