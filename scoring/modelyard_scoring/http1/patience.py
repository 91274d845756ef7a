"""How long a client says that it waits for an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from modelyard_scoring.http1.errors import HttpError

NAMES: Final = frozenset([b"x-request-timeout", b"x-envoy-expected-rq-timeout-ms"])
"""Seconds, and the milliseconds that Envoy sends to what is behind it."""

_SECONDS = re.compile(rb"[0-9]{1,9}(\.[0-9]{1,9})?")
_MILLISECONDS = re.compile(rb"[0-9]{1,12}")


def patience(headers: Mapping[bytes, bytes], most: float) -> float:
    """Give the seconds that a request has, which are at most those of the service.

    Raises
    ------
    HttpError
        If a header does not say how many.
    """
    for name, value in headers.items():
        if name in NAMES:
            form, unit = (_SECONDS, 1.0) if name == b"x-request-timeout" else (_MILLISECONDS, 0.001)
            if form.fullmatch(value) is None:
                raise HttpError(
                    f"its header {name.decode()} is no number of {'seconds' if unit == 1 else 'milliseconds'}"
                )
            most = min(most, float(value) * unit)
    return most
