"""The packages of a lock as a layer: wheels are unpacked, never run, so that the platform may be another one.

What uv writes beside a wheel's own files depends on the machine and the moment: the paths of interpreters in ``bin``,
who installed and when. It is left out, and out of each ``RECORD``; so the same lock gives the same layer.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from modelyard.environments.installer import Installer
from modelyard.environments.lock import Lock
from modelyard.images.layers import LayerEntry, folder_entries

PLACE = "opt/modelyard/dependencies"
"""Where packages lie in an image."""

_NOWHERE = frozenset({"__pycache__"})
_NOT_AT_THE_TOP = frozenset({"bin", ".lock", "..", "CACHEDIR.TAG", ".gitignore"})
_NOT_BESIDE_A_RECORD = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})


def installed_entries(lock: Lock, installer: Installer, folder: Path) -> Iterator[LayerEntry]:
    """Install a lock's packages into `folder`, which is empty, and list them as they lie in an image.

    Raises
    ------
    InstallError
        If a file cannot be had, or is not the one that the lock names.
    """
    installer.unpack(lock, folder)
    for entry in folder_entries(folder, PLACE):
        path = entry.path.removeprefix(f"{PLACE}/")
        if not _kept(path):
            continue
        if path.endswith(".dist-info/RECORD") and isinstance(entry.source, Path):
            yield structs.replace(entry, source=_record(entry.source.read_text()))
        else:
            yield entry


def _kept(path: str) -> bool:
    parts = path.split("/")
    if parts[0] in _NOT_AT_THE_TOP or not _NOWHERE.isdisjoint(parts) or path.endswith((".pyc", ".pyo")):
        return False
    return not (len(parts) == 2 and parts[0].endswith(".dist-info") and parts[1] in _NOT_BESIDE_A_RECORD)


def _record(text: str) -> bytes:
    """Write what is installed, a line a file, without what is left out, in one order."""
    rows = sorted(row for row in csv.reader(io.StringIO(text)) if row and _kept(row[0]))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
