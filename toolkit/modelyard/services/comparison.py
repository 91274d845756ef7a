"""Copies of requests are sent to two revisions, and what those answer is compared.

Whoever sends a copy is told at once that it was taken, so that no client ever waits for this. What comes while too much
waits is let go and counted.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from modelyard.services.agreement import Answer, Difference, difference
from modelyard.services.compared import Compared, Example
from modelyard.services.copies import Copy, CopyServer
from modelyard.services.key_file import read_key, write_key
from modelyard.services.route import Copies, Replica, Upstream
from modelyard.services.statistics import Latencies, RevisionStatistics
from modelyard.settings import Secret

_WAITING = 256
_HELD = 64 * 2**20
"""Bytes of the bodies of all copies that wait."""
_LARGEST = 16 * 2**20
"""Bytes of an answer."""
_EXAMPLES = 10
_NOT_PASSED_ON = frozenset({
    "accept-encoding", "connection", "content-length", "expect", "keep-alive", "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-api-key",
})  # fmt: skip


class _Side:
    """One of the two revisions, and what was counted of it; the caller keeps others out."""

    def __init__(self, upstream: Upstream) -> None:
        self.replicas, self.key = upstream.replicas, _key(upstream)
        self.life = secrets.token_hex(4)
        self.answers: dict[str, int] = {}
        self.counts: dict[float, int] = {}

    def count(self, status: int, seconds: float) -> None:
        kind, upper = f"{status // 100}xx", _upper(seconds)
        self.answers[kind] = self.answers.get(kind, 0) + 1
        self.counts[upper] = self.counts.get(upper, 0) + 1

    def statistics(self) -> RevisionStatistics:
        there = len(self.replicas)
        latencies = Latencies(counts=dict(self.counts))
        return RevisionStatistics(
            life=self.life, answers=dict(self.answers), healthy=there, replicas=there, latencies=latencies
        )


class Comparison:
    """Takes copies of requests on loopback, and asks two revisions what they answer.

    It runs in threads of this process; when the process ends, copies go nowhere and clients see nothing of it. It sends
    on what is GET or POST, has a body of at most 16 MiB, and is for none of the server's own pages. The old revision is
    asked a second time: an application whose requests change something must not be compared.

    Parameters
    ----------
    old, new
        The two revisions: where they are, and what key they ask for.
    folder
        Where the key is written that a copy must bring; is made if it is not there.
    tolerance
        How far two numbers in JSON may be apart, by the larger of them and by 1, if one of them is no whole number.
    timeout
        Seconds until an answer must be whole.
    at_once
        How many copies are worked on at a time.

    Raises
    ------
    KeyFileError
        If a file of keys cannot be read or written.
    """

    def __init__(
        self,
        old: Upstream,
        new: Upstream,
        folder: Path,
        *,
        tolerance: float = 1e-5,
        timeout: float = 60.0,
        at_once: int = 8,
    ) -> None:
        self._lock = threading.Lock()
        self._old, self._new = _Side(old), _Side(new)
        self._tolerance, self._timeout = tolerance, timeout
        self._counts: dict[str, int] = dict.fromkeys(("equal", "different", "failed", "skipped"), 0)
        self._examples: list[Example] = []
        self._waiting: queue.Queue[Copy] = queue.Queue(_WAITING)
        self._held = 0
        self._closed = threading.Event()
        self._keys, key = (folder / "copies-keys.json").absolute(), Secret(secrets.token_urlsafe(32))
        write_key(self._keys, key)
        self._server = CopyServer(key, self._take)
        for work in [self._server.serve, *[self._work] * at_once]:
            threading.Thread(target=work, name="comparison", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def copies(self, percent: float) -> Copies:
        """Say where copies are to be sent, for a route."""
        return Copies(percent=percent, to=Replica(port=self._server.port), keys=str(self._keys))

    def ask(self, old: Upstream, new: Upstream) -> None:
        """Go on with other replicas, or keys, of the same two revisions."""
        keys = _key(old), _key(new)
        with self._lock:
            self._old.replicas, self._new.replicas = old.replicas, new.replicas
            self._old.key, self._new.key = keys

    def read(self) -> Compared:
        """Say what was found so far."""
        with self._lock:
            return Compared(
                **self._counts,
                examples=tuple(self._examples),
                old=self._old.statistics(),
                new=self._new.statistics(),
            )

    def close(self) -> None:
        """Take no more copies; those that are being worked on end by themselves."""
        self._closed.set()
        self._server.close()
        self._keys.unlink(missing_ok=True)

    def _take(self, copy: Copy) -> None:
        with self._lock:
            room = self._held + len(copy.body) <= _HELD and not self._waiting.full()
            if room:
                self._held += len(copy.body)
                self._waiting.put_nowait(copy)
            else:
                self._counts["skipped"] += 1

    def _work(self) -> None:
        with httpx.Client(timeout=self._timeout, verify=False, trust_env=False) as client:  # noqa: S501 - loopback
            while not self._closed.is_set():
                try:
                    copy = self._waiting.get(timeout=0.5)
                except queue.Empty:
                    continue
                with self._lock:
                    self._held -= len(copy.body)
                self._compare(client, copy)

    def _compare(self, client: httpx.Client, copy: Copy) -> None:
        old, new = (self._ask(client, copy, side) for side in (self._old, self._new))
        if isinstance(old, str) or isinstance(new, str):
            found: Difference | None = Difference(where="answer", old=_outcome(old), new=_outcome(new))
            result = "failed"
        else:
            found = difference(old, new, self._tolerance)
            result = "different" if found else "equal"
        with self._lock:
            self._counts[result] += 1
            if found is not None and len(self._examples) < _EXAMPLES:
                self._examples.append(
                    Example(request_id=copy.request_id, request=f"{copy.method} {copy.path}"[:200], difference=found)
                )

    def _ask(self, client: httpx.Client, copy: Copy, side: _Side) -> Answer | str:
        """Give the answer of a revision, or say why there is none."""
        with self._lock:
            replica, key = secrets.choice(side.replicas), side.key
        started = time.monotonic()
        try:
            answer: Answer | str = _answer(client, _request(copy, replica, key), started + self._timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            answer = type(error).__name__
        with self._lock:
            side.count(500 if isinstance(answer, str) else answer.status, time.monotonic() - started)
        return answer


def _key(upstream: Upstream) -> Secret | None:
    return None if upstream.keys is None else read_key(Path(upstream.keys))


def _request(copy: Copy, replica: Replica, key: Secret | None) -> httpx.Request:
    url = httpx.URL(scheme="http", host=replica.host, port=replica.port, raw_path=copy.target.encode("latin-1"))
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in copy.headers if name not in _NOT_PASSED_ON
    ]
    own = [(b"x-api-key", key.reveal().encode())] if key is not None else []
    return httpx.Request(copy.method, url, headers=[*headers, *own], content=copy.body)


def _answer(client: httpx.Client, request: httpx.Request, deadline: float) -> Answer:
    """Read an answer that is neither too long nor too late, however slowly its parts come."""
    response = client.send(request, stream=True)
    try:
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > _LARGEST:
                raise httpx.ReadError("too long")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("too late")
        return Answer(status=response.status_code, body=bytes(body), head=_head(response.headers))
    finally:
        response.close()


def _head(headers: Mapping[str, str]) -> int | None:
    size = headers.get("inference-header-content-length", "")
    return int(size) if size.isascii() and size.isdigit() and len(size) < 10 else None


def _outcome(answer: Answer | str) -> str:
    return f"none: {answer}" if isinstance(answer, str) else str(answer.status)


def _upper(seconds: float) -> float:
    """Give the end of the bucket, as the router has them: milliseconds, and from 100 of them on two digits."""
    whole = int(seconds * 1000)
    step = 10 ** max(len(str(whole)) - 2, 0) if whole >= 100 else 1
    return (whole // step + 1) * step / 1000
