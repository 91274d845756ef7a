"""What a program or library says of itself: the kind of machine it is for, and the libraries it needs."""

import struct
from collections.abc import Iterator

MACHINES = {62: "amd64", 183: "arm64"}
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS = 1, 5


def machine(data: bytes) -> str:
    return MACHINES[struct.unpack_from("<H", data, 18)[0]]


def needed(data: bytes) -> list[str]:
    """List the libraries that are loaded with it."""
    (headers,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
    segments = [struct.unpack_from("<IIQQQQQQ", data, headers + 56 * number) for number in range(count)]
    dynamic = [entry for kind, _, offset, *_ in segments if kind == _DYNAMIC for entry in _entries(data, offset)]
    strings = next((_offset(segments, value) for tag, value in dynamic if tag == _STRINGS), 0)
    return [_text(data, strings + value) for tag, value in dynamic if tag == _NEEDED]


def _entries(data: bytes, offset: int) -> Iterator[tuple[int, int]]:
    while (entry := struct.unpack_from("<QQ", data, offset))[0]:
        yield entry
        offset += 16


def _offset(segments: list[tuple[int, ...]], address: int) -> int:
    """Say where in the file an address is."""
    for kind, _, offset, start, _, size, *_ in segments:
        if kind == _LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError(address)


def _text(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
