"""The format ``.npz``: a zip file of ``.npy`` files, each with the name of its array.

How much there is, is known from the directory of the file, and refused there, before anything is unpacked.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Generator, Mapping
from typing import Any

from numpy.typing import NDArray

from modelyard_scoring.errors import BodySizeError, MalformedError
from modelyard_scoring.formats import npy
from modelyard_scoring.formats.values import Arrays, Values, expect

_END = struct.Struct("<4s4H2IH")
_MAX_DIRECTORY = 512  # bytes for each member that may be there: a name and the fields of the directory
_PIECE = 2**18  # bytes that are unpacked in one turn
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    struct.error,
)


def read(body: bytes, *, max_members: int, max_bytes: int) -> Generator[None, None, Arrays]:
    """Read the arrays of a body by their names, stopping after each piece that was unpacked.

    Raises
    ------
    MalformedError
        If it is not a zip file of whole arrays, or has more than `max_members`.
    BodySizeError
        If the arrays together have more than `max_bytes`.
    """
    expect("npz", body)
    _check_end(body, max_members)
    contents: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            _check(members, max_members, max_bytes)
            for member in members:
                contents[member.filename] = yield from _unpack(archive, member)
    except _UNREADABLE as error:
        raise MalformedError("npz", str(error)[:200]) from None
    arrays: Arrays = {}
    for name, content in contents.items():
        array = npy.read_array(content, f"npz with the array {name[:60]!r}")
        arrays[name.removesuffix(".npy")] = Values(array=array)
    return arrays


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Generator[None, None, bytes]:
    pieces = []
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            pieces.append(piece)
            yield
    return b"".join(pieces)


def write(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays under their names, without compression."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # a time that does not change, so that the same answer has the same bytes
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), npy.write(array))
    return stream.getvalue()


def _check_end(body: bytes, max_members: int) -> None:
    """Look at the record at the end, before the list that it points to is read."""
    place = body.rfind(b"PK\x05\x06")
    if place < 0 or place + _END.size > len(body):
        raise MalformedError("npz", "it is cut off: there is no directory at its end")
    _, _, _, _, count, size, _, comment = _END.unpack_from(body, place)
    if body[place - 20 : place - 16] == b"PK\x06\x07":
        raise MalformedError("npz", "zip files of 4 GB are not taken")
    if place + _END.size + comment != len(body):
        raise MalformedError("npz", "something follows its end")
    if count > max_members or size > max_members * _MAX_DIRECTORY:
        raise MalformedError("npz", f"it has {count} members, and at most {max_members} are taken")


def _check(members: list[zipfile.ZipInfo], max_members: int, max_bytes: int) -> None:
    names = {member.filename for member in members}
    if len(names) < len(members) or len(members) > max_members:
        raise ValueError("a name comes twice, or there are too many members")
    for member in members:
        if not member.filename.endswith(".npy"):
            raise ValueError(f"the member {member.filename[:60]!r} is not an .npy file")
        if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError(f"the member {member.filename[:60]!r} is encrypted, or packed otherwise than by deflate")
    if sum(member.file_size for member in members) > max_bytes:
        raise BodySizeError(max_bytes)
