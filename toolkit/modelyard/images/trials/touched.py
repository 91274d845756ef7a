"""What code touched while it was tried, as the scoring package wrote it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

_LARGEST = 64 * 2**20


class Imported(Struct, frozen=True, kw_only=True, order=True):
    """A distribution that the code has modules of: the first module, and the file that asked for it, where known."""

    distribution: str
    version: str
    module: str
    by: str = ""


class Interpreter(Struct, frozen=True, kw_only=True):
    """The Python that the code ran in."""

    version: str = ""
    prefix: str = ""
    standard_library: tuple[str, ...] = ()


class Touched(Struct, frozen=True, kw_only=True):
    """Files, addresses, programs, libraries and packages; docs/reference/model-folder.md says what each is.

    `left_out` says of each kind that there was too much of how often at least more was touched.
    """

    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    connected: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    library: tuple[str, ...] = ()
    imported: tuple[Imported, ...] = ()
    server: tuple[str, ...] = ()
    interpreter: Interpreter = Interpreter()
    left_out: dict[str, int] = {}


def read_touched(file: Path) -> Touched | None:
    """Read the document; None where it is not there, or is none: code that is tried may write what it likes."""
    try:
        with file.open("rb") as opened:
            return msgspec.json.decode(opened.read(_LARGEST), type=Touched)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
