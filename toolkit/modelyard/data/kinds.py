"""The kinds of datastores: what each needs to be reached."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from msgspec import Struct
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from modelyard.data.credentials import check_reference
from modelyard.data.errors import CredentialReferenceError
from modelyard.data.paths import read_prefix
from modelyard.errors import InvalidValueError

BEGINNING = ("workspaceblobstore", "workspacefilestore")
"""The datastores that every workspace has; the first is the default until another is chosen."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")


class WorkspaceFiles(Struct, frozen=True, kw_only=True, tag_field="type", tag="workspace"):
    """Files that the workspace itself keeps, by their content."""

    def check(self) -> None:
        """Refuse to be registered.

        Raises
        ------
        InvalidValueError
            Always: there are those that a workspace begins with.
        """
        raise InvalidValueError("kind workspace", f"every workspace has {' and '.join(BEGINNING)}, and no others")


class Folder(Struct, frozen=True, kw_only=True, tag_field="type", tag="folder"):
    """A folder of the machine that uses it; `path` is absolute."""

    path: str

    def check(self) -> None:
        """Check the path.

        Raises
        ------
        InvalidValueError
            If it is not absolute, or not plain.
        """
        path = PurePosixPath(self.path)
        if not path.is_absolute() or ".." in path.parts or "\x00" in self.path:
            raise InvalidValueError(f"folder {self.path!r}", "write its absolute path, without '..'")


class AzureBlob(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="azure-blob"):
    """A container of Azure Blob; credentials are references, and without one the machine's own are used."""

    container: str
    account: str
    prefix: str = ""
    endpoint: str | None = None
    account_key: str | None = None
    sas_token: str | None = None

    def check(self) -> None:
        """Check each field.

        Raises
        ------
        InvalidValueError
            If one cannot be.
        CredentialReferenceError
            If a credential is not given by a reference.
        """
        _check_bucket("container", self.container)
        _check_bucket("account", self.account)
        _check_place(self.prefix, self.endpoint)
        check_reference("account_key", self.account_key)
        check_reference("sas_token", self.sas_token)


class S3(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="s3"):
    """A bucket of S3, or of a store that speaks as it does (`endpoint`); credentials are references."""

    bucket: str
    region: str | None = None
    prefix: str = ""
    endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None

    def check(self) -> None:
        """Check each field.

        Raises
        ------
        InvalidValueError
            If one cannot be.
        CredentialReferenceError
            If a credential is not given by a reference.
        """
        _check_bucket("bucket", self.bucket)
        _check_place(self.prefix, self.endpoint)
        check_reference("access_key_id", self.access_key_id)
        check_reference("secret_access_key", self.secret_access_key)


class Gcs(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="gcs"):
    """A bucket of Google Cloud Storage; `service_account_key` refers to the JSON of a key."""

    bucket: str
    prefix: str = ""
    service_account_key: str | None = None

    def check(self) -> None:
        """Check each field.

        Raises
        ------
        InvalidValueError
            If one cannot be.
        CredentialReferenceError
            If a credential is not given by a reference.
        """
        _check_bucket("bucket", self.bucket)
        _check_place(self.prefix, None)
        check_reference("service_account_key", self.service_account_key)


class Sql(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="sql"):
    """A SQL database by the URL that SQLAlchemy reads, without a password; credentials are references."""

    url: str
    username: str | None = None
    password: str | None = None

    def check(self) -> None:
        """Check each field.

        Raises
        ------
        InvalidValueError
            If the URL is none.
        CredentialReferenceError
            If a password is in the URL, or a credential is not given by a reference.
        """
        check_reference("username", self.username)
        check_reference("password", self.password)
        try:
            url = make_url(self.url)
        except ArgumentError:
            # not shown: what is not understood may have a password in it
            raise InvalidValueError("url", "write one such as postgresql+psycopg://host:5432/database") from None
        if url.password is not None or any("pass" in key.lower() for key in url.query):
            raise CredentialReferenceError("password")


Kind = WorkspaceFiles | Folder | AzureBlob | S3 | Gcs | Sql
"""What a datastore is. Each kind can be checked, and `opening` knows how it is reached."""


def _check_bucket(what: str, name: str) -> None:
    if _BUCKET.fullmatch(name) is None:
        raise InvalidValueError(f"{what} {name[:80]!r}", "3 to 255 letters, digits, '.', '_' or '-'")


def _check_place(prefix: str, endpoint: str | None) -> None:
    if read_prefix(prefix) != prefix:
        raise InvalidValueError(f"prefix {prefix!r}", "write it without '/' at its end")
    if endpoint is None:
        return
    parts = urlsplit(endpoint)
    if parts.username or parts.password or parts.query:
        raise CredentialReferenceError("endpoint")  # what is in it may be secret, and is not shown
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValueError(f"endpoint {endpoint!r}", "write a URL such as https://storage.example.com")
