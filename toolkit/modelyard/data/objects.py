"""Access to object stores: Azure Blob, S3 and Google Cloud Storage, through obstore."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.data.access import LocalFile, StoredFile, unchanged
from modelyard.data.errors import DatastoreFailedError, DatastoreRefusedError
from modelyard.data.paths import check_stored_path
from modelyard.data.streams import in_streams
from modelyard.errors import DigestMismatchError, InvalidPathError, MissingExtraError, NotFoundError, StateError
from modelyard.store.blobs import CHUNK, digest_of, full_disk_explained

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_DIGEST, _EXECUTABLE = "sha256", "executable"
"""The names of the metadata that are kept with an object."""
_PART = 8 << 20
"""Bytes of a part of an upload; a store takes 10,000 parts."""
_PARTS = 9_000
_AT_ONCE = 2
"""Parts of one file that are on their way at a time."""
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
"""Seconds that a store may say nothing."""
RETRIES = 6
RETRY_TIMEOUT = 120.0


class ObjectAccess:
    """The objects of one container or bucket; a path is there when all parts of it have arrived.

    Parameters
    ----------
    name
        How errors name the datastore.
    """

    def __init__(self, name: str, store: ObjectStore) -> None:
        self._name = name
        self._store = store

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """List the object `prefix`, or those below it, by path."""
        import obstore

        with self._explained(prefix):
            if prefix:
                with suppress(FileNotFoundError):
                    yield _stored(obstore.head(self._store, prefix))
            for some in obstore.list(self._store, prefix=prefix or None):
                yield from (_stored(one) for one in some)

    def digest(self, stored: StoredFile) -> str:
        """Return the sha256 that is kept with an object, or read the object if it has come in another way."""
        import obstore

        with self._explained(stored.path):
            kept = obstore.get(self._store, stored.path, options={"head": True}).attributes.get(_DIGEST)
            if kept is not None:
                return str(kept)
            digest = hashlib.sha256()
            for chunk in obstore.get(self._store, stored.path).stream(CHUNK):
                digest.update(chunk)
            return digest.hexdigest()

    def fetch(self, stored: StoredFile, destination: Path) -> None:
        """Write an object to `destination`; what came before an interruption is not fetched again.

        Raises
        ------
        DigestMismatchError
            If what came is not what was kept.
        StateError
            If another process is fetching it to the same place.
        """
        version = hashlib.sha256(f"{stored.path} {stored.etag} {stored.size}".encode()).hexdigest()
        part = destination.parent / f".part-{version[:24]}"
        with full_disk_explained(destination.parent), _held(part) as file, self._explained(stored.path):
            kept = self._receive(stored, file)
            expected = kept.get(_DIGEST)
            if (arrived := file.tell()) != stored.size or (expected and digest_of(part) != expected):
                part.unlink()
                raise DigestMismatchError(stored.path, expected or f"of {stored.size} bytes", f"of {arrived} bytes")
            if kept.get(_EXECUTABLE):
                part.chmod(0o755)
            part.replace(destination)

    def write(self, files: Iterable[LocalFile], *, replace: bool) -> Iterator[LocalFile]:  # noqa: ARG002 - looked at before
        """Send files, each with its digest.

        Raises
        ------
        FileChangedError
            If a file is written to while it is read.
        """
        yield from in_streams(self._send, files)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects."""
        for _ in in_streams(self._delete, paths):
            pass

    def _receive(self, stored: StoredFile, file: Any) -> dict[str, str]:
        """Write what is still missing, and return the metadata."""
        import obstore

        options: dict[str, Any] = {"range": {"offset": file.tell()}, "if_match": stored.etag}
        if file.tell() >= stored.size:  # a range that is empty is refused
            options = {"head": True}
        answer = obstore.get(self._store, stored.path, options=options)  # type: ignore[arg-type]
        if "range" in options:
            for chunk in answer.stream(CHUNK):
                file.write(chunk)
            file.flush()
        return {str(key): str(value) for key, value in answer.attributes.items()}

    def _send(self, local: LocalFile) -> LocalFile:
        import obstore

        with self._explained(local.path), unchanged(local.file) as status:
            part = max(_PART, status.st_size // _PARTS + 1)
            kept = {_DIGEST: digest_of(local.file), **({_EXECUTABLE: "1"} if local.executable else {})}
            obstore.put(self._store, local.path, local.file, attributes=kept, chunk_size=part, max_concurrency=_AT_ONCE)
        return local

    def _delete(self, path: str) -> None:
        import obstore

        with self._explained(path), suppress(FileNotFoundError):
            obstore.delete(self._store, path)

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Turn what obstore raises into errors of ours, without what may be secret in it."""
        from obstore import exceptions

        try:
            yield
        except FileNotFoundError as error:
            if not isinstance(error.filename, str):  # of the store, not of this machine
                raise NotFoundError("file", f"{path} in the datastore {self._name}") from None
            raise
        except ValueError as error:
            raise InvalidPathError(path, _first_line(error)) from None
        except exceptions.BaseError as error:
            said = _first_line(error)
            is_refusal = isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError)
            if is_refusal or re.search(r"status code: 40[13]", said):  # listing says it in words alone
                raise DatastoreRefusedError(self._name, said) from None
            raise DatastoreFailedError(self._name, said) from None


def require_obstore() -> None:
    """Make sure that obstore is installed.

    Raises
    ------
    MissingExtraError
        If it is not.
    """
    try:
        import obstore  # noqa: F401 - whether it is there
    except ImportError:
        raise MissingExtraError("obstore", "data") from None


def client_options(endpoint: str | None) -> ClientConfig:
    """Say how long to wait for a store; plain HTTP is spoken where the endpoint says so."""
    return {
        "allow_http": bool(endpoint and endpoint.startswith("http://")),
        "connect_timeout": dt.timedelta(seconds=CONNECT_TIMEOUT),
        "read_timeout": dt.timedelta(seconds=READ_TIMEOUT),
        "timeout": dt.timedelta(days=1),  # of a whole answer, which may be a large file
    }


def retry_options() -> RetryConfig:
    """Say how often and how long to try again what may be tried again."""
    return {"max_retries": RETRIES, "retry_timeout": dt.timedelta(seconds=RETRY_TIMEOUT)}


def _stored(meta: Any) -> StoredFile:
    path = check_stored_path(meta["path"])
    return StoredFile(path=path, size=meta["size"], modified=meta["last_modified"], etag=meta["e_tag"])


def _first_line(error: Exception) -> str:
    """Give what an error says first, without the queries of URLs, in which signatures are."""
    said = str(error).split("\n", 1)[0].partition(": <")[0]  # what follows is a page, or XML
    return re.sub(r"\?[^\s\"')]+", "?…", said)[:400]


@contextmanager
def _held(part: Path) -> Iterator[Any]:
    """Open an unfinished file to go on with it, for this process alone."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateError(f"The download of {part.name}", "in progress", "be made twice at a time") from None
        yield file
