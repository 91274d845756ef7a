"""Exchange a document, and wait until Envoy says that it has taken it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from modelyard_deploy.router.admin import Admin
from modelyard_deploy.router.document import version
from modelyard_deploy.router.envoy import Envoy
from modelyard_deploy.router.errors import PortTakenError, RouterRejectedError, RouterSilentError
from modelyard_deploy.router.files import Files
from modelyard_deploy.router.naming import (
    CLUSTERS,
    GLOBAL,
    KEYS,
    LISTENERS,
    ROUTES,
    counted_name,
    inner,
    keys_name,
    service_folder,
)

_PATIENCE = 15.0
_POLL = 0.002
_KEYS_COUNTED = "extension_config_discovery.http_filter."
_REASON = re.compile(r"(?:rejected|update failure|Error adding/updating)[^:]*: (?P<reason>.+)")
_TAKEN = re.compile(r"(?P<service>[\w.~-]+): cannot bind '(?P<address>[^']+)': Address already in use")


class Document(Struct, frozen=True):
    """A document that Envoy watches.

    Parameters
    ----------
    what
        What it is, in words.
    file
        Where it is, in the router's folder.
    counted
        How the names of what Envoy counts of it begin.
    warming
        The number of its parts that are taken and not yet in use.
    """

    what: str
    file: str
    counted: str
    warming: str = ""


CLUSTER_DOCUMENT = Document(
    "revisions", f"{GLOBAL}/{CLUSTERS}", "cluster_manager.cds", "cluster_manager.warming_clusters"
)
LISTENER_DOCUMENT = Document(
    "listeners", f"{GLOBAL}/{LISTENERS}", "listener_manager.lds", "listener_manager.total_listeners_warming"
)


def route_document(service: str) -> Document:
    """Say where the routes of a service are."""
    counted = f"http.{counted_name(service)}.rds.{inner(service)}"
    return Document(f"routes of {service}", f"{service_folder(service)}/{ROUTES}", counted)


def key_document(service: str) -> Document:
    """Say where the keys of a service are."""
    counted = f"{_KEYS_COUNTED}{keys_name(service)}"
    return Document(f"keys of {service}", f"{service_folder(service)}/{KEYS}", counted)


class Confirmation:
    """Exchanges documents of a running Envoy."""

    def __init__(self, files: Files, admin: Admin, envoy: Envoy) -> None:
        self.admin = admin
        self._files = files
        self._envoy = envoy

    def put(self, document: Document, content: bytes) -> None:
        """Exchange a document and wait until it is in use.

        Raises
        ------
        RouterRejectedError, PortTakenError
            If Envoy refuses it.
        RouterSilentError
            If it says nothing in time.
        """
        before, since = self._read(document), self._envoy.written()
        if taken(before, document, content):
            self._files.swap(document.file, content)
        else:
            self._files.write(document.file, content)  # also what is there already: it may have been refused before

        def in_use() -> bool:
            read = self._read(document)
            if _refused(read, document) > _refused(before, document):
                raise self._refusal(document, since)
            return taken(read, document, content) and read.get(document.warming, "0") == "0"

        self.wait(in_use, document.what)

    def wait(self, done: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> None:
        """Wait until something is so.

        Raises
        ------
        RouterSilentError
            If it takes longer.
        """
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise RouterSilentError(what, seconds, str(self._envoy.log))
            time.sleep(_POLL)

    def seen(self) -> dict[str, str]:
        """Read what Envoy says of the documents of all services."""
        return self.admin.numbers(f"http.{counted_name('')}", _KEYS_COUNTED)

    def has(self, document: Document) -> bool:
        """Say whether Envoy has taken the document that is on the disk."""
        file = self._files.folder / document.file
        try:
            return taken(self._read(document), document, file.read_bytes())
        except (FileNotFoundError, msgspec.MsgspecError):  # not there, or not what we write
            return False

    def _read(self, document: Document) -> dict[str, str]:
        names = [f"{document.counted}.", *([document.warming] if document.warming else [])]
        return self.admin.numbers(*names)

    def _refusal(self, document: Document, since: int) -> RouterRejectedError | PortTakenError:
        reasons = [found["reason"] for line in self._envoy.lines(since) if (found := _REASON.search(line))]
        reason = reasons[-1] if reasons else f"its log {self._envoy.log} says why"
        if port := _TAKEN.search(reason):
            return PortTakenError(port["service"].replace("~", "."), port["address"], "another program")
        return RouterRejectedError(document.what, reason[:500])


def watched(read: Mapping[str, str], document: Document) -> bool:
    """Say whether Envoy reads a document at all."""
    return f"{document.counted}.update_attempt" in read


def taken(read: Mapping[str, str], document: Document, content: bytes) -> bool:
    """Say whether Envoy has taken this content of a document."""
    return read.get(f"{document.counted}.version_text") == version(content)


def _refused(read: Mapping[str, str], document: Document) -> int:
    return sum(int(read.get(f"{document.counted}.update_{how}", 0)) for how in ("rejected", "failure"))
