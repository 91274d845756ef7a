"""How many threads a worker's engine may use: the machine's, or the container's share of it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def engine_threads(workers: int, cgroups: Path = _CGROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Divide the CPUs that this process may use among the workers, at least one thread each.

    A container limited by quota still sees every CPU of the machine; using them all gets it throttled. Of a part of a
    CPU no thread is made, as it would be stopped for a part of the time with what the others wait for.

    Parameters
    ----------
    cgroups
        Where the cgroups are mounted.
    membership
        Which of them this process is in, as ``/proc/self/cgroup`` says.
    """
    cpus = min([float(len(os.sched_getaffinity(0))), *_quotas(cgroups, membership)])  # cpusets limit the affinity
    return max(1, math.floor(cpus / workers + 1e-9))


def _quotas(cgroups: Path, membership: Path) -> Iterator[float]:
    """CPUs allowed by each cgroup from the process's own up to the root, of version 2 and 1, where they say any."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = ["0::/", "1:cpu:/"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for folder in _upwards([cgroups, cgroups / "unified"], path):
                yield from _share(*_words(folder / "cpu.max"))
        elif "cpu" in controllers.split(","):
            for folder in _upwards([cgroups / "cpu", cgroups / controllers], path):
                quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
                yield from _share(*quota, *period)


def _upwards(roots: list[Path], path: str) -> Iterator[Path]:
    """Give the folders of a cgroup and of those around it.

    A container without a cgroup namespace is told its path on the host, but finds its own cgroup at the root.
    """
    parts = [part for part in PurePosixPath(path).parts if part not in {"/", ".."}]
    for root in roots:
        for depth in range(len(parts), -1, -1):
            yield root.joinpath(*parts[:depth])


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _share(*words: str) -> Iterator[float]:
    """Give quota ÷ period, unless it is unlimited: ``max`` in version 2, -1 in version 1."""
    if len(words) == 2 and all(word.isdigit() for word in words) and int(words[0]) > 0 < int(words[1]):
        yield int(words[0]) / int(words[1])
