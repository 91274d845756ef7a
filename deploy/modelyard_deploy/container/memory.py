"""What a container's control group tells of its memory while it lives.

The engine's own statistics take a second and, on control groups of version 2, do not hold the peak; and it says that
memory ran out only once the container has ended, not when one process of several was killed for it.
"""

from __future__ import annotations

from pathlib import Path

_PEAKS = ("memory.max_usage_in_bytes", "memory.peak", "memory.current")
"""Of version 1 and 2; kernels before 5.19 have no peak in version 2."""
_EVENTS = ("memory.oom_control", "memory.events")


def peak(pid: int, root: Path = Path("/")) -> int:
    """Say how many bytes the control group of a process has used at most; 0 where that cannot be known.

    Parameters
    ----------
    pid
        As this machine numbers processes; 0 for a container that has ended.
    root
        Where ``proc`` and ``sys`` are.
    """
    texts = (_read(folder / name) for folder in _folders(pid, root) for name in _PEAKS)
    return next((int(text) for text in texts if text.strip().isdigit()), 0)


def kills(pid: int, root: Path = Path("/")) -> int:
    """Count the processes of that control group that were killed because memory ran out; arguments as for `peak`."""
    lines = (
        line.split() for folder in _folders(pid, root) for name in _EVENTS for line in _read(folder / name).splitlines()
    )
    return next((int(value) for event, value in lines if event == "oom_kill"), 0)


def _folders(pid: int, root: Path) -> list[Path]:
    places = {}
    for line in _read(root / f"proc/{pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if path.strip("/"):  # one that is ending is in the machine's own group
            places[controllers] = path.lstrip("/")
    groups = root / "sys/fs/cgroup"
    first = [groups / "memory" / places["memory"]] if "memory" in places else []
    return first + ([groups / places[""]] if "" in places else [])


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
