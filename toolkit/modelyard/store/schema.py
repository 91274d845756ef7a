"""What the tables of every room have in common: one metadata, the type of a digest, the schema's version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, LargeBinary, MetaData, String, TypeDecorator

HEAD = "0013"
"""The version of the newest migration; a test holds it against the folder `migrations/versions`."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Digest(TypeDecorator[str]):
    """The sha256 of a blob or a tree, in hexadecimal. What such a column names, garbage collection keeps."""

    impl = String(64)
    cache_ok = True


class Document(TypeDecorator[bytes]):
    """A value as JSON bytes, written and read by msgspec in the room that owns the table."""

    impl = LargeBinary
    cache_ok = True


def digest_columns() -> Iterator[Column[Any]]:
    """Find every column, of every room's tables that are loaded, that keeps blobs or trees alive."""
    for table in metadata.sorted_tables:
        yield from (column for column in table.columns if isinstance(column.type, Digest))
