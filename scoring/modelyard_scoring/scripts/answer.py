"""What ``run`` returns, as an answer over HTTP."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any

import orjson

from modelyard_scoring.scripts.messages import Result

_MISSING = frozenset(["NaTType", "NAType"])  # of pandas, which need not be installed
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OF_THE_CONNECTION = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
_OURS = frozenset(["content-length", "date", "x-request-id", "x-ms-run-fn-exec-ms", "x-ms-run-function-failed"])
_WITHOUT_BODY = frozenset([204, 205, 304])
_RAN = b"x-ms-run-function-failed: False\r\nx-ms-run-fn-exec-ms: %.3f\r\n"
_log = logging.getLogger(__name__)


class HeaderRefusedError(ValueError):
    """A header of an answer that a script made could be read as another, or as more than one."""


def make_result(value: Any, seconds: float) -> Result:
    """Write what ``run`` returned: a response as it says, None as ``{}``, all else as JSON.

    Raises
    ------
    TypeError
        If it has no form in JSON.
    HeaderRefusedError
        If a header of a response would forge others.
    """
    if hasattr(value, "status_code") and hasattr(value, "get_data"):
        return _from_response(value, seconds)
    body = b"{}" if value is None else orjson.dumps(value, default=_plain, option=_OPTIONS)
    return Result(body=body, headers=_RAN % (1000 * seconds), seconds=seconds)


def _from_response(value: Any, seconds: float) -> Result:
    status = int(value.status_code)
    if not 200 <= status <= 599:
        raise ValueError(f"the status {status} is none of 200 to 599")
    kind = "application/octet-stream"
    kept = []
    for name, text in value.headers.items():
        lower = str(name).lower()
        if lower == "content-type":
            _check(lower, str(text))
            kind = str(text)
        elif lower in _OF_THE_CONNECTION:
            _log.warning("The header %r of an answer is left out: it is for the server to say.", lower)
        elif lower not in _OURS:
            kept.append((str(name), str(text)))
    kept += [
        ("x-ms-run-function-failed", str(_failed(value, status))),
        ("x-ms-run-fn-exec-ms", f"{1000 * seconds:.3f}"),
    ]
    body = b"" if status in _WITHOUT_BODY else bytes(value.get_data())
    return Result(body=body, kind=kind.encode("latin-1"), status=status, headers=_lines(kept), seconds=seconds)


def _failed(value: Any, status: int) -> bool:
    told = {str(name).lower(): str(text) for name, text in value.headers.items()}.get("x-ms-run-function-failed")
    return status >= 500 or told == "True"


def _lines(headers: Iterable[tuple[str, str]]) -> bytes:
    lines = []
    for name, text in headers:
        _check(name, text)
        lines.append(f"{name}: {text}\r\n".encode("latin-1"))
    return b"".join(lines)


def _check(name: str, text: str) -> None:
    if _NAME.fullmatch(name) is None or _VALUE.fullmatch(text) is None:
        raise HeaderRefusedError(f"the header {name[:80]!r} of the answer has a character that no header may have")


def _plain(value: Any) -> Any:
    """Turn what orjson does not know, such as data frames and NumPy's numbers, into lists, numbers and texts."""
    if type(value).__name__ in _MISSING:
        return None
    for name in ("to_dict", "tolist", "item", "isoformat"):
        if hasattr(value, name):
            return getattr(value, name)()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
