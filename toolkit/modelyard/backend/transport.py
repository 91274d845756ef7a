"""Requests to a server: pooled, retried where that is safe, errors raised as what they are."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from modelyard.backend.small_calls import SmallCalls
from modelyard.errors import ModelyardError, ServerFailureError, UnreachableError, error_classes
from modelyard.operation import PREFIX

_TIMEOUT = 60.0
"""Seconds to wait for a connection, and for each part of an answer."""
_TRIES = 5
_WAIT = 0.2
"""Seconds before the second try; each further wait is twice as long."""
_TRY_LATER = frozenset({502, 503, 504})


class Transport:
    """A connection to the server at `url`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._http = httpx.Client(base_url=self.url + PREFIX, headers=headers, timeout=_TIMEOUT)
        self._small = SmallCalls(self.url + PREFIX, headers, _TIMEOUT)
        self._is_direct = self._small.is_direct

    def call(self, method: str, path: str, body: bytes | None = None, query: Mapping[str, Any] | None = None) -> bytes:
        """Send a request and return the body of its answer; a request is tried again if that can do no harm.

        Raises
        ------
        UnreachableError
            If nobody answers.
        ModelyardError
            What the operation raised.
        """
        # with its key, a request that changes something has one effect however often it is sent
        headers = {} if method == "GET" else {"idempotency-key": uuid.uuid4().hex}
        for left in range(_TRIES - 1, -1, -1):
            try:
                status, answer = self._exchange(method, path, body, query, headers)
            except (httpx.TransportError, OSError, HTTPException) as error:
                if left == 0:
                    raise self.unreachable(error) from error
            else:
                if status not in _TRY_LATER or left == 0:
                    return checked(status, answer, self.url + PREFIX + path)
            time.sleep(_WAIT * 2 ** (_TRIES - 1 - left))
        raise AssertionError("the last try returns or raises")

    def send(self, path: str, content: Iterator[bytes], headers: Mapping[str, str]) -> bytes:
        """``PUT`` a stream, once."""
        response = self._http.put(path, content=content, headers=dict(headers))
        return checked(response.status_code, response.content, str(response.url))

    @contextmanager
    def receive(self, path: str, start: int) -> Iterator[Iterator[bytes]]:
        """``GET`` a stream from byte `start`, once; nothing follows the last byte."""
        with self._http.stream("GET", path, headers={"range": f"bytes={start}-"} if start else {}) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                yield iter(())
                return
            if response.status_code >= 400:
                checked(response.status_code, response.read(), str(response.url))
            yield response.iter_bytes()  # as they come: what is gathered first is lost when the connection is cut

    def unreachable(self, error: Exception) -> UnreachableError:
        """Make the error that says that nobody answers."""
        return UnreachableError(self.url, str(error) or type(error).__name__)

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()
        self._small.close()

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        if self._is_direct:
            target = f"{path}?{urlencode(query, doseq=True)}" if query else path
            return self._small.call(method, target, body, headers)
        response = self._http.request(method, path, content=body, params=query, headers=dict(headers))
        return response.status_code, response.content


def checked(status: int, content: bytes, url: str) -> bytes:
    """Return `content`, or raise the error that it describes."""
    if status < 400:
        return content
    try:
        described = msgspec.json.decode(content)
        kind, facts, text = described["code"], described["facts"], described["text"]
    except (msgspec.DecodeError, KeyError, TypeError):
        text = content[:300].decode(errors="replace")
        raise ServerFailureError(url, status, text) from None
    raise _raised(kind, facts) or ServerFailureError(url, status, text)


def _raised(code: str, facts: dict[str, Any]) -> ModelyardError | None:
    found = next((c for c in error_classes() if c.code == code and c is not ModelyardError), None)
    try:
        return found(**facts) if found else None
    except (TypeError, AttributeError):  # a server of another version, with other facts
        return None
