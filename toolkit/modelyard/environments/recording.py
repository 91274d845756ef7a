"""The lock of a running interpreter, read from the names of its installed packages in a few milliseconds.

The name and version of a package are in the name of its ``.dist-info`` folder, so that no metadata is parsed; only
``direct_url.json`` is read where there is one, for it tells local packages and, for archives, their sha256. There are
no other hashes: an installed package does not remember which file it came from. `resolver.resolve_recorded` asks the
index for the hashes of exactly these versions when an image is built or a service deployed.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.requirements import Requirement

from modelyard.environments.lock import Lock, LockedPackage, Recording, canonical_name
from modelyard.environments.platforms import running_platform, running_python

_CPUINFO = Path("/proc/cpuinfo")
_FLAGS = re.compile(r"^(?:flags|Features)\s*:\s*(.*)$", re.MULTILINE)
_TOLD_APART_BY = frozenset(
    {"avx", "avx2", "avx512f", "avx512_bf16", "amx_tile", "f16c", "fma", "sse4_2", "asimd", "sve"}
)


def lock_running(roots: Sequence[str] | None = None) -> Lock:
    """Record the exact packages of the running interpreter.

    With `roots`, only those packages and what they require are recorded: what a model needs, not what a desk holds.
    A root that is not installed is left out.
    """
    found = _installed(sys.path)
    names = found if roots is None else _closure(roots, found)
    return Lock(
        kind="recorded",
        platform=running_platform(),
        python=running_python(),
        packages=tuple(sorted(_package(name, found[name]) for name in names)),
        recording=Recording(
            interpreter=f"{platform.python_implementation()} {platform.python_version()}",
            machine=platform.machine(),
            libc=_libc(),
            cpu_flags=_cpu_flags(),
            roots=tuple(sorted({canonical_name(root) for root in roots or ()})),
        ),
    )


def _installed(search_path: Iterable[str]) -> dict[str, Path]:
    """Map each package's name to its metadata; the first on the search path counts, as it does for imports."""
    found: dict[str, Path] = {}
    for folder in search_path:
        for name, path in _metadata_of(folder or "."):
            found.setdefault(name, path)
    return found


def _metadata_of(folder: str) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return
    for name in names:
        yield canonical_name(name.rpartition(".")[0].split("-")[0]), Path(folder, name)


def _package(name: str, metadata: Path) -> LockedPackage:
    direct = _direct_url(metadata)
    archive = direct.get("archive_info") or {}
    digests = archive.get("hashes") or {}
    return LockedPackage(
        name=name,
        version=_version(metadata),
        hashes=(f"sha256:{digests['sha256']}",) if "sha256" in digests else (),
        local=str(direct.get("url", "")),
    )


def _version(metadata: Path) -> str:
    parts = metadata.name.rpartition(".")[0].split("-")
    # Egg folders may hold no version, and an underscore stands for something else: those few are read.
    if metadata.suffix == ".dist-info" and len(parts) == 2 and "_" not in parts[1]:
        return parts[1]
    return next(_header(metadata, "Version"), "")


def _header(metadata: Path, field: str) -> Iterator[str]:
    """Read a field's values from the head of the metadata, which ends with an empty line."""
    name = "METADATA" if metadata.suffix == ".dist-info" else "PKG-INFO"
    try:
        text = (metadata / name if metadata.is_dir() else metadata).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.split("\n\n", 1)[0].splitlines():
        if line.startswith(f"{field}: "):
            yield line.partition(": ")[2].strip()


def _direct_url(metadata: Path) -> dict[str, Any]:
    try:
        document = msgspec.json.decode((metadata / "direct_url.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    if not isinstance(document, dict) or _installer(metadata) == "conda":
        return {}  # conda leaves the path where it built the package, which says nothing about where it is from
    return document


def _installer(metadata: Path) -> str:
    try:
        return (metadata / "INSTALLER").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _closure(roots: Iterable[str], found: dict[str, Path]) -> set[str]:
    """Follow what the roots require, by the markers that hold here."""
    wanted: set[str] = set()
    waiting = deque((canonical_name(root), frozenset({""})) for root in roots)
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.popleft()
        if name not in found or (name, extras) in seen:
            continue
        seen.add((name, extras))
        wanted.add(name)
        for text in _header(found[name], "Requires-Dist"):
            required = Requirement(text)
            if required.marker is None or any(required.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append((canonical_name(required.name), frozenset({"", *required.extras})))
    return wanted


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError, AttributeError):
        return ""


def _cpu_flags() -> tuple[str, ...]:
    """Name the instruction sets that numeric wheels choose their code by; empty where the kernel does not say."""
    try:
        with _CPUINFO.open("rb") as file:
            head = file.read(8192).decode("ascii", "replace")
    except OSError:
        return ()
    match = _FLAGS.search(head)
    return tuple(sorted(_TOLD_APART_BY.intersection(match[1].split()))) if match else ()
