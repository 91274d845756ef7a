"""A process writes down which one it is before it becomes the program that it was started for.

The second half of this file runs as a program, with nothing but the standard library: so whoever looks for the
process finds it, also when the one who started it was killed in that moment; and if the folder for the note was
removed meanwhile, nothing is started.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def noted(command: list[str], note: Path, *, groups: Sequence[Path] = (), cpus: Sequence[int] = ()) -> list[str]:
    """Make the command that writes `note`, joins control groups, keeps to some CPUs, and then becomes `command`.

    Parameters
    ----------
    cpus
        By number; none for all.
    """
    held = json.dumps({"groups": [str(group) for group in groups], "cpus": [*cpus]})
    return [sys.executable, "-I", "-S", __file__, str(note), held, *command]


def started(pid: int) -> str:
    """Say in which boot and when in it a process started; empty if there is none, or it has ended unnoticed."""
    if not Path("/proc/self").exists():  # no /proc, as on macOS
        asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return asked.stdout.strip()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # state, and starttime in clock ticks since boot (proc(5)): each boot gives the same numbers out again
    return "" if fields[0] in "ZX" else f"{fields[19]} {_boot()}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:  # a sandbox may have none
        return ""


def _become(note: Path, held: dict[str, list[str]], command: list[str]) -> None:
    part = note.with_name(f".{note.name}")
    with part.open("w") as opened:
        json.dump({"pid": os.getpid(), "started": started(os.getpid())}, opened)
        opened.flush()
        os.fsync(opened.fileno())  # a loss of power leaves the whole note or none
    part.replace(note)
    for group in held["groups"]:
        Path(group, "cgroup.procs").write_text("0")  # whoever writes it
    if held["cpus"]:
        os.sched_setaffinity(0, map(int, held["cpus"]))
    os.execv(command[0], command)  # noqa: S606 - an argument list, not a shell's line


if __name__ == "__main__":
    _become(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:])
