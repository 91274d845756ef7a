"""How much there is to read in a message, seen before it is read.

Reading a message makes an object of each of its parts, at once: of 16 MB of empty tensors, 7 GB in half a minute, in
which nobody else is answered. Packed tensors are one part each, whatever their size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelyard_scoring.errors import BodySizeError, FormError

SMALL: Final = 2**13
"""Bytes of which reading any message takes little time."""
MAX_LISTED: Final = 3 * 2**19
"""Bytes that a message may have beside packed tensors; listed floats count as one each, since they are read at once."""
MAX_PARTS: Final = 2**17
"""Texts and parameters that a message may have; a tensor counts for several."""

_TENSOR_PARTS = 8  # what a tensor takes to read, beside a text
_STEP = 2**12  # fields that are looked at in one turn
_VARINT, _WIDE, _MESSAGE, _NARROW = 0, 1, 2, 5  # types on the wire
_FIXED = {_WIDE: 8, _NARROW: 4}
_INPUTS, _OUTPUTS, _PACKED, _CONTENTS = 5, 6, 7, 5  # numbers of fields
_FLOATS = {6: 4, 7: 8}  # the bytes of each, by the field of the contents
_OPENED = ({_INPUTS, _OUTPUTS}, {_CONTENTS})  # the fields that are looked into, from outside in


def outline(body: bytes) -> Iterator[None]:
    """Look through a ``ModelInferRequest``, and stop now and then for others.

    Bytes that are no message are not looked at further: reading them ends there, too.

    Raises
    ------
    BodySizeError
        If there is more than `MAX_LISTED` beside packed tensors.
    FormError
        If there are more than `MAX_PARTS` parts.
    """
    parts = 0
    listed = len(body)
    for seen, (depth, number, size) in enumerate(_fields(body), 1):
        parts += _TENSOR_PARTS if _is_opened(depth, number) else 1
        if depth == 0 and number == _PACKED:
            listed -= size
        elif depth == len(_OPENED) and number in _FLOATS:
            listed -= size - size // _FLOATS[number]
        if parts > MAX_PARTS:
            raise FormError(
                f"at most {MAX_PARTS} texts and parameters, or {MAX_PARTS // _TENSOR_PARTS} tensors", "more"
            )
        if seen % _STEP == 0:
            yield
    if listed > MAX_LISTED:
        part = "A message, beside raw_input_contents,"
        raise BodySizeError(MAX_LISTED, part, "send larger tensors in raw_input_contents")


def _is_opened(depth: int, number: int) -> bool:
    return depth < len(_OPENED) and number in _OPENED[depth]


def _fields(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Give the depth, the number and the size of each field, those within others too; end at what is none."""
    place, ends = 0, [len(body)]
    try:
        while ends:
            if place >= ends[-1]:
                ends.pop()
                continue
            key, place = _varint(body, place)
            size = 0
            if key & 7 == _VARINT:
                _, place = _varint(body, place)
            elif key & 7 == _MESSAGE:
                size, place = _varint(body, place)
            depth, number = len(ends) - 1, key >> 3
            yield depth, number, size
            if key & 7 == _MESSAGE and _is_opened(depth, number):
                ends.append(min(place + size, ends[-1]))
            else:
                place += size or _FIXED.get(key & 7, 0)
    except IndexError:  # it is cut off
        return


def _varint(body: bytes, place: int) -> tuple[int, int]:
    value = body[place]
    place += 1
    if value < 0x80:
        return value, place
    value &= 0x7F
    for shift in range(7, 70, 7):
        byte = body[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return value, place
