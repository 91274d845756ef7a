"""Small requests over connections that are kept open.

A training loop logs thousands of values: with the standard library's client a call costs a fifth of what it costs with
httpx, which stays for streams and for whoever is behind a proxy.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


class SmallCalls:
    """Requests to the server at `url`, whose answers fit into memory.

    Parameters
    ----------
    headers
        Sent with each.
    timeout
        Seconds to wait for each byte.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float) -> None:
        self._parts = urlsplit(url)
        self._headers = dict(headers)
        self._timeout = timeout
        self._idle: deque[tuple[int, HTTPConnection]] = deque()

    @property
    def is_direct(self) -> bool:
        """Whether the server is reached without a proxy."""
        host = self._parts.hostname or ""
        return self._parts.scheme not in getproxies() or bool(proxy_bypass(host))

    def call(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of its answer.

        A connection that the server has closed meanwhile is opened anew, once: the request has its idempotency key.

        Raises
        ------
        OSError
            If nobody answers; ``http.client.HTTPException`` if the answer is none.
        """
        connection, is_fresh = self._take()
        try:
            answer = self._exchange(connection, method, target, body, headers)
        except ConnectionError:  # RemoteDisconnected is one
            if is_fresh:
                raise
            connection = self._make()
            answer = self._exchange(connection, method, target, body, headers)
        self._idle.append((os.getpid(), connection))
        return answer

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            pid, connection = self._idle.pop()
            if pid == os.getpid():
                connection.close()

    def _exchange(
        self, connection: HTTPConnection, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        try:
            connection.request(method, self._parts.path + target, body, {**self._headers, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except BaseException:
            connection.close()  # half an answer may be on its way: nothing else can use the connection
            raise

    def _take(self) -> tuple[HTTPConnection, bool]:
        """Take a connection, and say whether it is new; those of the process that forked this one are left to it."""
        while self._idle:
            try:
                pid, connection = self._idle.pop()
            except IndexError:  # another thread took the last
                break
            if pid == os.getpid():
                return connection, False
        return self._make(), True

    def _make(self) -> HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            import httpx  # for its certificates: the same as those of streams

            return HTTPSConnection(host, port, timeout=self._timeout, context=httpx.create_ssl_context())
        return HTTPConnection(host, port, timeout=self._timeout)
