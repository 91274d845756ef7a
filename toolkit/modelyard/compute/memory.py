"""What control groups tell of the memory of those in them while they live.

The engine's own statistics of a container take a second and, on control groups of version 2, do not hold the peak; and
it says that memory ran out only once the container has ended, not when one process of several was killed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LIMITS = ("memory.limit_in_bytes", "memory.max")
"""Of version 1 and 2, here and below."""
_PEAKS = ("memory.max_usage_in_bytes", "memory.peak", "memory.current")
"""Kernels before 5.19 have no peak in version 2."""
_EVENTS = ("memory.oom_control", "memory.events")


def groups_of(pid: int, root: Path = Path("/")) -> list[Path]:
    """Find the control groups of a process that may tell of its memory.

    Parameters
    ----------
    pid
        As this machine numbers processes; 0 for a container that has ended.
    root
        Where ``proc`` and ``sys`` are.
    """
    places = {}
    for line in _read(root / f"proc/{pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if path.strip("/"):  # one that is ending is in the machine's own group
            places[controllers] = path.lstrip("/")
    groups = root / "sys/fs/cgroup"
    first = [groups / "memory" / places["memory"]] if "memory" in places else []
    return first + ([groups / places[""]] if "" in places else [])


def limit(groups: Sequence[Path]) -> int:
    """Say how many bytes those in the groups may use; 0 where that cannot be known."""
    return _first(groups, _LIMITS)


def peak(groups: Sequence[Path]) -> int:
    """Say how many bytes were used at most; 0 where that cannot be known."""
    return _first(groups, _PEAKS)


def kills(groups: Sequence[Path]) -> int:
    """Count the processes that were killed because memory ran out."""
    lines = (line.split() for group in groups for name in _EVENTS for line in _read(group / name).splitlines())
    return next((int(value) for event, value in lines if event == "oom_kill"), 0)


def shortage(limit: int, peak: int = 0) -> str:
    """Say that memory ran out.

    Parameters
    ----------
    peak
        Bytes that were in use at most, 0 if it is not known.
    """
    most = f", at most {_mib(peak)} were in use" if peak else ""
    return f"out of memory: its limit is {_mib(limit)}{most}"


def _first(groups: Sequence[Path], names: Sequence[str]) -> int:
    texts = (_read(group / name) for group in groups for name in names)
    return next((int(text) for text in texts if text.strip().isdigit()), 0)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
