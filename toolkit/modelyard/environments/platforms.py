"""The platforms that a lock can be made for, and the one that this machine is."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Sequence

from modelyard.environments.errors import InvalidSpecificationError

MANYLINUX = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
"""The minor versions of glibc 2 that wheels are made for and the resolver knows."""

BASELINE = 28
"""What a lock asks of Linux unless told otherwise: glibc 2.28, so that machines of several ages share one lock."""

PLATFORMS: Sequence[str] = (
    *(f"{machine}-manylinux_2_{minor}" for machine in ("x86_64", "aarch64") for minor in MANYLINUX),
    *(f"{machine}-unknown-linux-musl" for machine in ("x86_64", "aarch64")),
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
"""Every platform by its name."""


def check_platform(name: str) -> str:
    """Return `name`.

    Raises
    ------
    InvalidSpecificationError
        If it is not one of `PLATFORMS`.
    """
    if name not in PLATFORMS:
        rule = "write for instance 'x86_64-manylinux_2_28', 'aarch64-manylinux_2_28' or 'aarch64-apple-darwin'."
        raise InvalidSpecificationError("platform", name, rule)
    return name


def running_platform() -> str:
    """Name the platform of the running interpreter, with the common baseline where the machine is newer than that."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "darwin":
        return f"{machine}-apple-darwin"
    if sys.platform == "win32":
        return f"{machine}-pc-windows-msvc"
    minor = glibc_minor()
    if minor is None:
        return f"{machine}-unknown-linux-musl"
    return f"{machine}-manylinux_2_{BASELINE if minor >= BASELINE else MANYLINUX[0]}"


def running_python() -> str:
    """Say the version of the running interpreter as ``3.N``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def glibc_minor() -> int | None:
    """Say which glibc 2.N runs here; None with another C library."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError, AttributeError):
        return None
    return int(version.split(".")[1]) if name == "glibc" else None


def runs_here(name: str) -> bool:
    """Say whether what is made for the platform `name` runs on this machine."""
    here = running_platform()
    machine, _, system = name.partition("-")
    baseline = re.fullmatch(r"manylinux_2_(\d+)", system)
    if baseline is None:
        return name == here
    minor = glibc_minor()
    return here.startswith(f"{machine}-") and minor is not None and int(baseline[1]) <= minor
