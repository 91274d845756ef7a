"""Whether two answers to one request say the same."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

_SHOWN = 100
"""Characters of a value in a difference."""
_ASIDE = frozenset({"id", "model_name", "model_version"})
"""What an answer of the Open Inference Protocol says of who answered, which is another model for another revision."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a revision answered.

    Parameters
    ----------
    head
        How many bytes of the body are JSON, where tensors in binary form follow it.
    """

    status: int
    body: bytes
    head: int | None = None


class Difference(Struct, frozen=True, kw_only=True):
    """Where two answers differ first (``status``, ``bytes``, or a place in the JSON such as ``$.data[0]``), and how."""

    where: str
    old: str
    new: str


def difference(old: Answer, new: Answer, tolerance: float) -> Difference | None:
    """Say where two answers differ; None if they say the same.

    Parameters
    ----------
    tolerance
        How far two numbers in JSON may be apart, by the larger of them and by 1, if one of them is no whole number.
    """
    if old.status != new.status:
        return Difference(where="status", old=str(old.status), new=str(new.status))
    if old.body == new.body:
        return None
    (old_json, old_rest), (new_json, new_rest) = _split(old), _split(new)
    try:
        found = _differ(_told(old_json), _told(new_json), tolerance)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):  # no JSON, or too much of it
        return _bytes(old.body, new.body)
    if found is not None:
        return replace(found, where=f"${found.where}")
    return None if old_rest == new_rest else _bytes(old_rest, new_rest)


def _split(answer: Answer) -> tuple[bytes, bytes]:
    end = len(answer.body) if answer.head is None else answer.head
    return answer.body[:end], answer.body[end:]


def _told(body: bytes) -> Any:
    read = msgspec.json.decode(body)
    if isinstance(read, dict) and "outputs" in read:
        return {name: value for name, value in read.items() if name not in _ASIDE}
    return read


def _differ(old: Any, new: Any, tolerance: float) -> Difference | None:
    """Find the first difference; its place is seen from here."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        pairs = ((f".{name}", value, new[name]) for name, value in old.items())
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = ((f"[{number}]", *pair) for number, pair in enumerate(zip(old, new, strict=True)))
    else:
        same = _close(old, new, tolerance)
        return None if same else Difference(where="", old=_shown(old), new=_shown(new))
    for place, one, other in pairs:
        if (found := _differ(one, other, tolerance)) is not None:
            return replace(found, where=f"{place}{found.where}"[:_SHOWN])
    return None


def _close(old: Any, new: Any, tolerance: float) -> bool:
    kinds = {type(old), type(new)}
    if kinds in ({float}, {float, int}):
        return math.isclose(old, new, rel_tol=tolerance, abs_tol=tolerance)
    return len(kinds) == 1 and bool(old == new)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{len(value)} {'names' if isinstance(value, dict) else 'values'}"
    return repr(value)[:_SHOWN]


def _bytes(old: bytes, new: bytes) -> Difference:
    digests = [f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()[:12]}" for body in (old, new)]
    return Difference(where="bytes", old=digests[0], new=digests[1])
