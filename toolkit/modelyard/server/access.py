"""Who may call: tokens, kept as digests, with a role and an end."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time

import msgspec
from flask import request
from msgspec import Struct
from sqlalchemy import Column, Float, String, Table, delete, insert, select

from modelyard.errors import AlreadyExistsError, InvalidValueError, NotFoundError, PermissionDeniedError, TokenError
from modelyard.names import check_name
from modelyard.operation import Page, Role, operation
from modelyard.store.schema import metadata
from modelyard.store.store import Store

_FIND = "SELECT name, role, expires FROM token WHERE sha256 = :sha256"
_RANK = {"reader": 0, "contributor": 1, "owner": 2}

token = Table(
    "token",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
)


class NewToken(Struct, frozen=True, kw_only=True):
    """What a token is made from; it is valid for `days` (1 to 3650)."""

    name: str
    role: Role = "contributor"
    days: int = 90


class Token(Struct, frozen=True, kw_only=True):
    """A token without its secret; times are UTC."""

    name: str
    role: Role
    created: dt.datetime
    expires: dt.datetime


class IssuedToken(Struct, frozen=True, kw_only=True):
    """A token with its secret, which is shown once: the store keeps only its digest."""

    token: Token
    secret: str


class Tokens:
    """What can be done with tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("POST /tokens", role="owner")
    def create(self, new: NewToken) -> IssuedToken:
        """Make a token, and show its secret this one time.

        Raises
        ------
        AlreadyExistsError
            If the name is taken.
        """
        check_name("a token", new.name)
        if not 1 <= new.days <= 3650:
            raise InvalidValueError("days", f"a token is valid for 1 to 3650 days, not {new.days}")
        secret, now = secrets.token_urlsafe(32), time.time()
        row = {"name": new.name, "role": new.role, "created": now, "expires": now + new.days * 86400}
        with self._store.database.write() as connection:
            if connection.execute(select(token.c.name).where(token.c.name == new.name)).first() is not None:
                raise AlreadyExistsError("token", new.name, "Take another name, or delete it first.")
            connection.execute(insert(token).values(**row, sha256=_digest(secret)))
        return IssuedToken(token=_token(row), secret=secret)

    @operation("GET /tokens", role="owner")
    def list(self) -> Page[Token]:
        """List the tokens, without their secrets."""
        with self._store.database.read() as connection:
            rows = connection.execute(select(token).order_by(token.c.name)).mappings().all()
        return Page(items=tuple(_token(dict(row)) for row in rows))

    @operation("GET /tokens/{name}", role="owner")
    def get(self, name: str) -> Token:
        """Show a token, without its secret.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        known = {one.name: one for one in self.list().items}
        if name not in known:
            raise NotFoundError("token", name, sorted(known))
        return known[name]

    @operation("DELETE /tokens/{name}", role="owner")
    def delete(self, name: str) -> None:
        """Revoke a token at once.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._store.database.write() as connection:
            if connection.execute(delete(token).where(token.c.name == name)).rowcount == 0:
                raise NotFoundError("token", name)


class Access:
    """Checks the token of the request in hand."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, needed: Role) -> str:
        """Return the name of the caller's token.

        Raises
        ------
        TokenError
            If there is no token, or an unknown or expired one.
        PermissionDeniedError
            If its role is not enough.
        """
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secret:
            raise TokenError("The request carries no token (Authorization: Bearer TOKEN).")
        # the digest is looked up, not the secret: how far a guess is right cannot be timed
        row = self._store.database.first(_FIND, {"sha256": _digest(secret)})
        if row is None:
            raise TokenError("The token is not known here, or was revoked.")
        name, role, expires = row
        if expires < time.time():
            raise TokenError(f"The token {name!r} has expired.")
        if _RANK[role] < _RANK[needed]:
            raise PermissionDeniedError(role, needed)
        return str(name)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _token(row: dict[str, object]) -> Token:
    return msgspec.convert({k: row[k] for k in Token.__struct_fields__}, Token, strict=False)
