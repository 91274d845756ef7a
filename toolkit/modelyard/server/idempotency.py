"""One effect per idempotency key, however often a request is sent."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from flask import request
from sqlalchemy import Column, Float, LargeBinary, String, Table

from modelyard.errors import InvalidValueError, StateError
from modelyard.store.schema import metadata
from modelyard.store.store import Store

answer = Table(
    "answer",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created", Float, nullable=False, index=True),
)

_KEPT = 86400.0
"""Seconds for which an answer is kept."""


class Answers:
    """Answers given, by the key of the request.

    The answer is stored in the transaction of the effect, so that both are there or neither is: the same key gives
    the same answer, also to a client whose first try was cut.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def once(self, caller: str, data: bytes, call: Callable[[], bytes], *, synced: bool) -> bytes:
        """Return what `call` returns, or what it returned when the key was first seen.

        Raises
        ------
        InvalidValueError
            If the key has more than 64 characters.
        StateError
            If the key was used for another request.
        """
        key = request.headers.get("idempotency-key", "")
        if not key:
            return call()
        if len(key) > 64:
            raise InvalidValueError("idempotency-key", "at most 64 characters")
        key = hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()
        asked = hashlib.sha256(f"{request.method} {request.full_path}\0".encode() + data).hexdigest()
        database = self._store.database
        with database.write(synced=synced), database.append() as execute:
            found = execute("SELECT request, body FROM answer WHERE key = :key", {"key": key}).fetchone()
            if found is not None and found[0] != asked:
                raise StateError("The idempotency key", "used for another request", "be used again")
            if found is not None:
                return bytes(found[1])
            body = call()
            now = time.time()
            row = {"key": key, "request": asked, "body": body, "created": now}
            execute("INSERT INTO answer (key, request, body, created) VALUES (:key, :request, :body, :created)", row)
            execute("DELETE FROM answer WHERE created < :oldest", {"oldest": now - _KEPT})
        return body
