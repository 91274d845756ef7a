"""What apt-get says when it fails, told apart by cause; the texts are those of APT 2.2 to 3.0."""

from __future__ import annotations

import re
from pathlib import Path

from modelyard.errors import ModelyardError, StorageFullError
from modelyard.images.debian.errors import (
    BaseUnavailableError,
    MirrorUnreachableError,
    ReleaseNotServedError,
    UntrustedMirrorError,
)

_FULL = re.compile(r"No space left on device|enough free space")
_UNTRUSTED = re.compile(
    r"NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|NOSPLIT|is not signed|public key is not available|Missing key"
    r"|signatures? (couldn't|were invalid)|No good signature"
)
_UNREACHABLE = re.compile(
    r"Could not (resolve|connect|handshake)|Temporary failure|Cannot initiate|Unable to connect|certificate|timed out"
    r"|Connection (failed|refused|reset)|Timeout was reached|\b(401|403|407|429|5\d\d) +\w"
)
_NOT_SERVED = re.compile(
    r"404 +Not Found|does not have a Release file|Unable to locate package|no installation candidate|unmet dependencies"
    r"|doesn't support architecture|couldn't be found"
)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_LONGEST = 300


def diagnose(stderr: str, release: str, folder: Path) -> ModelyardError:
    """Make the error that `stderr` tells of, when packages of `release` were asked for, to be kept in `folder`."""
    lines = [
        line for line in _CREDENTIALS.sub("", stderr).splitlines() if line.startswith(("E: ", "W: ", "Err:", "  "))
    ]
    if _line(_FULL, lines):
        return StorageFullError(str(folder))
    if line := _line(_UNTRUSTED, lines):
        return UntrustedMirrorError(line)
    if line := _line(_UNREACHABLE, lines):
        return MirrorUnreachableError(line)
    if line := _line(_NOT_SERVED, lines):
        return ReleaseNotServedError(release, line)
    said = _line(re.compile("E: "), lines) or "it does not say why"
    return BaseUnavailableError(f"apt-get failed ({said})", "Name a base image of a registry or an archive instead.")


def _line(sign: re.Pattern[str], lines: list[str]) -> str:
    """Find the first line with a sign, without what marks it; empty if there is none."""
    found = next((line for line in lines if sign.search(line)), "")
    return found.strip().removeprefix("E: ").removeprefix("W: ")[:_LONGEST]
