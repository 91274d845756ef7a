"""The heads of an application's answers: checked, and without what is the server's to say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelyard_scoring.http1.stream import AnswerHead

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HOP = (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
_OURS = frozenset([*_HOP, b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id"])
_MAX_BYTES = 65_536


def answer_head(status: int, headers: Iterable[Iterable[bytes]]) -> AnswerHead:
    """Check a status and headers, which may not forge others or a second answer.

    Raises
    ------
    ValueError
        If they cannot be sent; the text does not show values.
    """
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"the status {status!r} is not one from 200 to 599")
    lines: list[bytes] = []
    length: int | None = None
    close = False
    for given, value in headers:
        name, text = _checked(given, value)
        if name == b"content-length":
            length = _length(text, length)
        elif name == b"connection":
            close = close or b"close" in text.lower()
        elif name not in _OURS:
            lines.append(b"%b: %b\r\n" % (name, text))
    whole = b"".join(lines)
    if len(whole) > _MAX_BYTES:
        raise ValueError(f"the headers have more than {_MAX_BYTES} bytes")
    return AnswerHead(status=status, lines=whole, length=length, close=close)


def _checked(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    name, value = bytes(name).lower(), bytes(value).strip(b" \t")
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name[:100]!r} is not the name of a header")
    if _UNSAFE.search(value):
        raise ValueError(f"the header {name.decode()!r} has a line end or another control character")
    return name, value


def _length(text: bytes, before: int | None) -> int:
    if not text.isdigit() or len(text) > 18 or before not in {None, int(text)}:
        raise ValueError("the content-length is not one whole number")
    return int(text)
