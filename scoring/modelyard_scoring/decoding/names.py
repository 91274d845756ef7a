"""Names of columns and tensors: which are missing, unknown, or there twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from modelyard_scoring.decoding.column import describe
from modelyard_scoring.errors import FormError, MissingColumnError, UnknownColumnError


def places(given: Sequence[str], names: Collection[str]) -> list[int]:
    """Tell where each of the model's names is among those that were given.

    Raises
    ------
    UnknownColumnError
        If one is none of the model's, or comes twice.
    MissingColumnError
        If one of the model's is not there.
    """
    found: dict[str, int] = {}
    for place, name in enumerate(given):
        if name not in names or name in found:
            raise UnknownColumnError(name, list(names))
        found[name] = place
    for name in names:
        if name not in found:
            raise MissingColumnError(name)
    return [found[name] for name in names]


def record_values(record: Any, names: Collection[str], row: int, wanted: str) -> list[Any]:
    """Give the values of a record in the order of the model's names.

    Raises
    ------
    FormError
        If it is no record; `wanted` says what body would be taken.
    MissingColumnError
        If one of the model's names is not there.
    UnknownColumnError
        If there is another.
    """
    if not isinstance(record, dict):
        raise FormError(f'{wanted}; an object {{"column": value}} as row {row}', describe(record), row=row)
    try:
        found = [record[name] for name in names]
    except KeyError as error:
        raise MissingColumnError(error.args[0], row) from None
    if len(record) > len(found):
        extra = next(name for name in record if name not in names)
        raise UnknownColumnError(extra, list(names), row)
    return found
