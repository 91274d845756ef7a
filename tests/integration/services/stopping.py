"""Processes that stand still, as those of a suspended machine do."""

import os
import signal
import time
from pathlib import Path


def stop(pid: int, but: Path) -> None:
    """Stop a process at a moment when it has no lock that others wait for, as the one on the router or the database.

    Those are kept by who holds them as long as the process is there, so nobody else could go on.

    Parameters
    ----------
    but
        A file whose lock it has all the time.
    """
    end = time.monotonic() + 120
    while time.monotonic() < end:
        os.kill(pid, signal.SIGSTOP)
        while not _stands_still(pid):
            time.sleep(0.001)
        if not _locked(pid) - {but.stat().st_ino}:
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
    raise AssertionError(f"the process {pid} has a lock all the time")


def _stands_still(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all((one / "stat").read_text().rpartition(")")[2].split()[0] == "T" for one in threads)


def _locked(pid: int) -> set[int]:
    """Give the inodes of the files that a process has locked against all others."""
    lines = (line.split()[1:] for line in Path("/proc/locks").read_text().splitlines() if "->" not in line)
    return {int(where.rpartition(":")[2]) for _, _, how, by, where, *_ in lines if (how, by) == ("WRITE", str(pid))}
