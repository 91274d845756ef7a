"""Types for msgspec, whose decoders take right requests in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.formats.values import MISSING_TEXT
from modelyard_scoring.service.signature import WRAPPERS


def typed(column: Column, sizes: Sequence[int | None]) -> Any:
    """Say the type of one row, or None where msgspec cannot express what is allowed.

    Lists whose size is not fixed may have several in what it takes.
    """
    if column.kind in {"datetime", "uint64"}:
        return None
    kind: Any = bool if column.kind == "bool" else Annotated[str, Meta(pattern=f"^(?!{MISSING_TEXT}\\Z)")]
    if column.range is not None:
        low, high = column.range
        kind = Annotated[float if column.kind.startswith("float") else int, Meta(ge=low, le=high)]
    if column.nullable:
        kind |= None
    for size in reversed(sizes):
        kind = Annotated[list[kind], Meta(min_length=size or 1, max_length=size)]
    return kind


def wrapped(rows: Any) -> type[msgspec.Struct]:
    """Say the type of an object that has rows under one of the names for them."""
    fields = [(name, rows | msgspec.UnsetType, UNSET) for name in WRAPPERS]
    return msgspec.defstruct("Wrapped", fields, forbid_unknown_fields=True)


def unwrapped(found: Any) -> list[Any] | None:
    """Take the rows out of such an object; None where there are none, or two."""
    lists = [rows for rows in map(found.__getattribute__, WRAPPERS) if rows is not UNSET]
    return lists[0] if len(lists) == 1 else None


def record(kinds: Mapping[str, Any]) -> type[msgspec.Struct] | None:
    """Say the type of an object with values of some types by name; fields are called ``f0``, ``f1`` and so on.

    None where msgspec does not take the names.
    """
    fields = [(f"f{place}", kind) for place, kind in enumerate(kinds.values())]
    names = {f"f{place}": name for place, name in enumerate(kinds)}
    try:
        return msgspec.defstruct("Record", fields, forbid_unknown_fields=True, rename=names, gc=False)
    except ValueError:
        return None
