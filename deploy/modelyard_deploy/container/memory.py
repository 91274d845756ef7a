"""How much memory a container has used at most, as its control group tells while it lives.

The engine's own statistics take a second and, on control groups of version 2, do not hold it.
"""

from __future__ import annotations

from pathlib import Path

_FILES = ("memory.peak", "memory.current")
"""Of version 2; kernels before 5.19 have only the second."""


def peak(pid: int, root: Path = Path("/")) -> int:
    """Say how many bytes the control group of a process has used at most; 0 where that cannot be known.

    Parameters
    ----------
    pid
        As this machine numbers processes; 0 for a container that has ended.
    root
        Where ``proc`` and ``sys`` are.
    """
    try:
        lines = (root / f"proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return 0
    places = {controllers: path.lstrip("/") for _, controllers, path in (line.split(":", 2) for line in lines)}
    groups = root / "sys/fs/cgroup"
    files = [groups / places.get("", "") / name for name in _FILES]
    if "memory" in places:
        files.insert(0, groups / "memory" / places["memory"] / "memory.max_usage_in_bytes")
    return next((size for size in map(_read, files) if size), 0)


def _read(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
