"""How many threads a worker's engine may use: the machine's, or the container's share of it."""

from __future__ import annotations

import math
import os
from pathlib import Path


def engine_threads(workers: int, cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Divide the CPUs that this process may use among the workers, at least one thread each.

    A container limited by quota still sees every CPU of the machine; using them all gets it throttled.
    """
    cpus = float(len(os.sched_getaffinity(0)))
    quota = _quota(cgroup)
    if quota is not None:
        cpus = min(cpus, quota)
    return max(1, math.floor(cpus / workers + 1e-9))


def _quota(cgroup: Path) -> float | None:
    """CPUs allowed by the cgroup, version 2 (``cpu.max``) or 1 (``cpu.cfs_quota_us``); None when unlimited."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return None
    return share if share > 0 else None  # version 1 says -1 for unlimited
