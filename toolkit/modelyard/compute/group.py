"""Control groups that hold processes to the memory and the CPUs that were asked for.

A group is made where this user may: at the top, which only root may and which outlives a login as services do, else in
version 2 in the nearest group around this process that was handed over, as by a systemd unit with ``Delegate=yes``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from modelyard.compute import memory

_NOTE = "groups.json"
_PERIOD = 100_000
"""Microseconds over which CPUs are shared out, the kernel's default."""
_LOOKS = 250
_PAUSE = 0.02
_JOIN = 'echo 0 > "$0/cgroup.procs"'


class Limits(Protocol):
    """What processes may use: CPUs, and bytes of memory; 0 for whatever there is."""

    @property
    def cpu(self) -> float:
        """CPUs."""

    @property
    def memory(self) -> int:
        """Bytes."""


class _Group(Struct, frozen=True):
    """A folder that is a group, what is to be written in it, and what also is where the kernel has such a file."""

    folder: Path
    settings: dict[str, str]
    swap: dict[str, str] = {}


def hold(place: Path, name: str, limits: Limits, root: Path = Path("/")) -> tuple[list[Path], str]:
    """Make the groups that processes are to join, and note them in their place; where that fails, say why.

    Parameters
    ----------
    name
        Of their group, unlike all others of this machine.
    root
        Where ``proc`` and ``sys`` are.
    """
    reasons = []
    for way in _ways(name, limits, root):
        folders = [group.folder for group in way]
        (place / _NOTE).write_bytes(msgspec.json.encode([str(folder) for folder in folders]))
        try:
            for group in way:
                _make(group)
        except OSError as error:
            reasons.append(f"{error.filename}: {error.strerror}")
            _remove(folders)
        else:
            return folders, ""
    (place / _NOTE).unlink(missing_ok=True)
    return [], reasons[0] if reasons else "this machine has no control groups"


def shortage(place: Path) -> str:
    """Say that memory ran out in the groups of a place; empty if it did not, or there are none."""
    groups = _noted(place)
    return memory.shortage(memory.limit(groups), memory.peak(groups)) if memory.kills(groups) else ""


def dissolve(place: Path) -> None:
    """End whatever is still in the groups of a replica, and remove them."""
    groups = _noted(place)
    for _ in range(_LOOKS):
        _remove(groups)
        if not any(group.is_dir() for group in groups):
            return
        for pid in {pid for group in groups for pid in _members(group)}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def _ways(name: str, limits: Limits, root: Path) -> Iterator[tuple[_Group, ...]]:
    """Name what may be tried, the best first."""
    groups = root / "sys/fs/cgroup"
    quota, size = str(int(limits.cpu * _PERIOD)), str(limits.memory)
    if (groups / "memory/cgroup.procs").exists():  # version 1
        swap = {"memory.memsw.limit_in_bytes": size}
        held = _Group(groups / "memory" / name, {"memory.limit_in_bytes": size}, swap)
        shared = _Group(groups / "cpu" / name, {"cpu.cfs_quota_us": quota})
        yield (*((held,) if limits.memory else ()), *((shared,) if limits.cpu else ()))
    elif (groups / "cgroup.controllers").exists():
        settings = {"memory.max": size} if limits.memory else {}
        settings |= {"cpu.max": f"{quota} {_PERIOD}"} if limits.cpu else {}
        swap = {"memory.swap.max": "0"} if limits.memory else {}
        own = (root / "proc/self/cgroup").read_text().partition("::")[2].strip().strip("/")
        around = groups / own
        for home in (groups, *(one for one in (around, *around.parents) if groups in one.parents)):
            yield (_Group(home / name, settings, swap),)


def _make(group: _Group) -> None:
    around = group.folder.parent / "cgroup.subtree_control"
    if around.exists() and not {"memory", "cpu"} <= set(around.read_text().split()):
        _write(around, "+memory +cpu")
    group.folder.mkdir(exist_ok=True)
    for file, value in group.settings.items():
        _write(group.folder / file, value)
    for file, value in group.swap.items():
        with suppress(FileNotFoundError):  # a kernel that does not count swap
            _write(group.folder / file, value)
    # who made a group may not move everything into it; the kernel alone knows
    joining = subprocess.run(["/bin/sh", "-c", _JOIN, str(group.folder)], capture_output=True, check=False)
    if joining.returncode:
        raise PermissionError(0, "processes of this user may not join it", str(group.folder))


def _write(file: Path, value: str) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY), "w") as opened:
            opened.write(value)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error


def _noted(place: Path) -> Sequence[Path]:
    try:
        return [Path(one) for one in msgspec.json.decode((place / _NOTE).read_bytes(), type=list[str])]
    except FileNotFoundError:
        return []


def _members(group: Path) -> Iterator[int]:
    with suppress(OSError):
        pids = map(int, (group / "cgroup.procs").read_text().split())
        yield from (pid for pid in pids if pid)  # 0 is one that this process cannot see


def _remove(groups: Sequence[Path]) -> None:
    for group in groups:
        with suppress(OSError):
            group.rmdir()
