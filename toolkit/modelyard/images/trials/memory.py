"""The memory of all processes below one, watched from outside: no rights are needed for it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from modelyard.compute.processes import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """Remembers how much memory the processes below `root` had at most.

    A page that several of them share counts once, as in a container; that takes a while to find out, so it is only
    done when they might have more than ever before.

    Attributes
    ----------
    peak
        The most bytes that were seen.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self.peak = 0

    def look(self) -> int:
        """Measure, and return the peak."""
        processes = descendants(self._root)
        if sum(map(_resident, processes)) > self.peak:
            self.peak = max(self.peak, sum(map(_proportional, processes)))
        return self.peak


def _resident(pid: int) -> int:
    with suppress(OSError, IndexError):  # it has just ended
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    """Give a process's own pages and its share of the others; all that it has, where the system does not tell."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return _resident(pid)
