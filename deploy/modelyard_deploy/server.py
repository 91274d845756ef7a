"""What a place knows of the scoring servers that it starts: their keys, and what they say of themselves."""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from modelyard.services.errors import DeploymentFailedError
from modelyard.services.target import Wanted

_HINTS = {
    "init": "The engine cannot load the model: look at what was registered with `modelyard model show`.",
    "warm-up": "The model does not answer as it did when it was registered: convert and register it again.",
}
"""What to do when the server's own record does not say."""

_PATIENCE = 5.0
"""Seconds for a server's whole answer."""
_ENOUGH = 4096
_STATUS = re.compile(r"HTTP/1\.\d (?P<status>\d{3}) ")


class Failure(Struct, frozen=True):
    """Why a server did not start, as it records it (docs/reference/model-folder.md)."""

    phase: str
    type: str
    message: str
    traceback: str
    hint: str

    def error(self, wanted: Wanted, also: str = "") -> DeploymentFailedError:
        """Make the error of a deployment; `also` is what the place itself knows of the reason."""
        message = f"{self.type}: {self.message}" + (f" ({also})" if also else "")
        hint = self.hint or _HINTS.get(self.phase, "")
        return DeploymentFailedError(named(wanted), self.phase, message, self.traceback, hint)


def replica_name(wanted: Wanted) -> str:
    """Say what a replica is called on its machine: its container, or its control group."""
    return f"modelyard-{wanted.service}-{wanted.revision}-{wanted.replica}-{wanted.workspace[:12]}"


def named(wanted: Wanted) -> str:
    """Name a revision in errors."""
    return f"Revision {wanted.revision} of {wanted.service}"


def not_ready(wanted: Wanted, problem: str, tail: str) -> DeploymentFailedError:
    """Make the error of a revision that took too long."""
    message = f"it was not ready after {wanted.timeout:.0f} seconds: {problem}"
    return DeploymentFailedError(named(wanted), "ready", message, tail, "Allow more time with --timeout.")


def unready(url: str) -> str:
    """Ask whether a server is ready; empty if it is, else why not.

    That is asked every second of each replica. So it is done by hand: a client of HTTP takes thirty times as long, and
    waits anew for each byte of a server that is stuck.
    """
    try:
        head, _, text = _ask(url, "/ready").partition("\r\n\r\n")
    except OSError as error:
        return f"it does not answer: {error.strerror or error}"
    if (match := _STATUS.match(head)) is None:
        return f"it does not answer in HTTP: {head[:200]!r}"
    return "" if match["status"] == "200" else f"/ready answers {match['status']}: {text[:200]}"


def _ask(url: str, path: str) -> str:
    where = urlsplit(url)
    deadline = time.monotonic() + _PATIENCE
    said = b""
    with socket.create_connection((where.hostname or "", where.port or 80), _PATIENCE) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode())
        while len(said) < _ENOUGH:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            if not (more := connection.recv(_ENOUGH)):
                break
            said += more
    return said.decode(errors="replace")


def write_keys(wanted: Wanted, file: Path) -> None:
    """Write the keys that a server asks for, or make two, for this user's eyes only."""
    if wanted.keys is not None:
        content = wanted.keys.read_bytes()
    else:
        content = msgspec.json.encode({name: secrets.token_urlsafe(32) for name in ("primary", "secondary")})
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
