"""What uv says when it fails, told apart by cause; the texts are those of uv 0.5 to 0.13."""

from __future__ import annotations

import re

from modelyard.environments.errors import (
    IndexUnreachableError,
    MissingOfflineError,
    NoWheelError,
    ResolveError,
    UnknownPackageError,
    WrongPythonError,
)
from modelyard.environments.lock import canonical_name
from modelyard.environments.specification import EnvironmentSpec, requirement_name

_NOISE = re.compile(r"^(warning: .*|Resolved .*|Using Python .*|\s*│.*)$")
_NOT_CACHED = re.compile(r"Because ([A-Za-z0-9._-]+)(?:\S*)? was not found in the cache")
_UNKNOWN = re.compile(r"Because ([A-Za-z0-9._-]+) was not found in the (?:package registry|provided)")
_NO_VERSION = re.compile(r"(?:there is no version of|only the following versions of|no versions of) ([A-Za-z0-9._-]+)")
_NO_WHEEL = re.compile(r"(?:[Bb]ecause|and) ([A-Za-z0-9._-]+)\S* has no (?:usable wheels|wheels with a matching)")
_WANTED = re.compile(r"you require ([A-Za-z0-9][A-Za-z0-9._-]*)")
_LONGEST = 30


def explain(stderr: str) -> str:
    """Trim what uv wrote to the chain of reasons and its hints."""
    lines = [line.rstrip() for line in stderr.splitlines() if not _NOISE.match(line)]
    text = "\n".join(lines).strip()
    text = text.removeprefix("error: No solution found when resolving dependencies").lstrip("\n")
    lines = text.splitlines()
    if len(lines) > _LONGEST:
        lines = [*lines[:_LONGEST], f"  ... ({len(lines) - _LONGEST} more lines)"]
    return "\n".join(f"  {line.strip().removeprefix('cause: ')}" for line in lines if line.strip())


def diagnose(stderr: str, spec: EnvironmentSpec, platform: str) -> ResolveError:
    """Make the error that `stderr` tells of, when `spec` was resolved for `platform`."""
    text = explain(stderr)
    flat = " ".join(stderr.split())
    if "network was disabled" in flat or "not found in the cache" in flat:
        return _offline(text, flat)
    if _refused(flat):
        return IndexUnreachableError(
            text, "The package index refuses the request: give it credentials, in ~/.netrc or in UV_DEFAULT_INDEX."
        )
    if any(sign in flat for sign in ("Failed to fetch", "error sending request", "Connect)", "operation timed out")):
        return IndexUnreachableError(text, _unreachable(flat))
    if "requested Python version" in flat or "does not satisfy Python" in flat:
        return WrongPythonError(
            text, f"Ask for another Python than {spec.python}, or for another version of the package."
        )
    if wheel := _NO_WHEEL.search(flat):
        return _no_wheel(wheel[1], text, flat, platform)
    return _unsatisfied(text, flat, spec)


def missing_wheel(error: NoWheelError) -> str:
    """Name the package that `error` tells of; empty if its text does not say."""
    match = _NO_WHEEL.search(" ".join(error.explanation.split()))
    return match[1] if match else ""


def _refused(flat: str) -> bool:
    return any(sign in flat for sign in ("401 Unauthorized", "403 Forbidden", "407 Proxy"))


def _unreachable(flat: str) -> str:
    if "certificate" in flat or "UnknownIssuer" in flat:
        return "The index's certificate is not trusted here: set SSL_CERT_FILE to the authority's certificates."
    return "The package index does not answer: check the network and the proxy, or use --offline with a filled cache."


def _offline(text: str, flat: str) -> MissingOfflineError:
    packages = tuple(dict.fromkeys(_NOT_CACHED.findall(flat)))
    change = f"Missing from the cache: {', '.join(packages)}. Resolve once with the network, then go offline."
    return MissingOfflineError(text, change, packages)


def _no_wheel(package: str, text: str, flat: str, platform: str) -> ResolveError:
    newer = sorted({int(m) for m in re.findall(r"manylinux_2_(\d+)_", flat)})
    change = f"No file of {package} fits {platform}: ask for another version of it"
    if "matching platform tag" in flat and newer and "manylinux" in platform:
        change += f", or for a platform it is made for, such as {platform.partition('-')[0]}-manylinux_2_{newer[-1]}"
    elif "matching platform tag" not in flat:
        change += ", or allow source builds"
    return NoWheelError(text, f"{change}.")


def _unsatisfied(text: str, flat: str, spec: EnvironmentSpec) -> ResolveError:
    if unknown := _UNKNOWN.search(flat):
        change = f"Check how {unknown[1]} is spelled; if it is your own, add it as a private wheel."
        if spec.source:
            change += " Conda may know it under another name than the Python index, or it may be no Python package."
        return UnknownPackageError(text, change)
    named = {canonical_name(name) for name in _WANTED.findall(flat)}
    wanted = [text for text in (*spec.requirements, *spec.constraints) if requirement_name(text) in named]
    if (version := _NO_VERSION.search(flat)) and len(wanted) < 2:
        return UnknownPackageError(text, f"Ask for a version of {version[1]} that exists, or one that is not yanked.")
    change = f"Relax one of: {', '.join(wanted)}." if wanted else "Relax one of the bounds named above."
    return ResolveError(text, change)
