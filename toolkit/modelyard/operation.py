"""A call of the control plane, declared once: its Python form and its HTTP form.

A room's operations are the methods of one class; each says with `operation` what it is called over HTTP. From that
one declaration the server binds its routes, the remote backend makes its calls, and the OpenAPI page is printed::

    class Models:
        @operation("GET /models/{name}/versions/{version}")
        def get(self, name: str, version: int) -> ModelVersion: ...

Parameters named in the path come from the path; one more may follow: a struct, which is the JSON body of ``POST``,
``PUT`` and ``PATCH``, and the query string of ``GET`` and ``DELETE``.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, TypeVar, get_type_hints

from msgspec import Struct

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

Role = Literal["reader", "contributor", "owner"]
"""Who may call: an owner may all that a contributor may, who may all that a reader may."""

PREFIX = "/api/v1"
"""What stands before the path of every operation in a URL."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_DECLARED = "__modelyard_operation__"


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """Some of a list; `cursor` asks for what follows, and is None at the end."""

    items: tuple[T, ...]
    cursor: str | None = None


class Argument(Struct, frozen=True):
    """A parameter of an operation: its name and its type."""

    name: str
    type: Any


class Operation(Struct, frozen=True, kw_only=True):
    """What is called how: `path` holds ``{name}`` for each of `in_path`; `body` and `query` exclude each other."""

    name: str
    method: str
    path: str
    in_path: tuple[Argument, ...]
    body: Argument | None
    query: Argument | None
    result: Any
    role: Role
    synced: bool
    summary: str

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """All parameters, in the order in which the method takes them."""
        return (*self.in_path, *(a for a in (self.body, self.query) if a is not None))


def operation(route: str, *, role: Role | None = None, synced: bool = True) -> Callable[[F], F]:
    """Declare the HTTP form of a method, such as ``"POST /models/{name}/versions"``.

    Parameters
    ----------
    role
        Who may call it; by default ``GET`` needs a reader and the rest a contributor.
    synced
        Whether the disk has what it changed when it returns; without that a loss of power may take the last of it,
        though the end of a process does not.
    """

    def mark(method: F) -> F:
        setattr(method, _DECLARED, (route, role, synced))
        return method

    return mark


def operations(cls: type) -> Iterator[Operation]:
    """Read the operations that `cls` declares, in the order of its methods."""
    for name, member in vars(cls).items():
        if hasattr(member, _DECLARED):
            yield _declared(name, member)


@functools.cache
def _declared(name: str, method: Callable[..., Any]) -> Operation:
    route, role, synced = getattr(method, _DECLARED)
    verb, path = route.split(" ", 1)
    types = get_type_hints(method)
    in_path = re.findall(r"{(\w+)}", path)
    rest = [p for p in inspect.signature(method).parameters if p not in ("self", *in_path)]
    if len(rest) > 1:
        raise TypeError(f"{method.__qualname__}: beside the path, an operation takes one struct, not {rest}")
    one = Argument(rest[0], types[rest[0]]) if rest else None
    return Operation(
        name=name,
        method=verb,
        path=path,
        in_path=tuple(Argument(p, types[p]) for p in in_path),
        body=one if verb in _WITH_BODY else None,
        query=None if verb in _WITH_BODY else one,
        result=types["return"],
        role=role or ("reader" if verb == "GET" else "contributor"),
        synced=synced,
        summary=(inspect.getdoc(method) or "").split("\n", 1)[0],
    )
