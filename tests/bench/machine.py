"""The machine that is measured on: what it is, which of its cores are whose, what its processes hold."""

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct


class Machine(Struct, frozen=True, kw_only=True):
    """What figures depend on; `load` is how many processes wanted a core in the minute before."""

    cpu: str
    cores: int
    memory: str
    system: str
    file_system: str
    load: float


class Cores(Struct, frozen=True, kw_only=True):
    """Who runs where: one core, the last, is for what has one thread; servers and large files may have them all.

    Where a server has one core, its clients have the `other`.
    """

    everything: frozenset[int]
    one: frozenset[int]

    @property
    def other(self) -> frozenset[int]:
        """A core that is not the last, where there are several."""
        return frozenset({min(self.everything)})

    @classmethod
    def here(cls) -> "Cores":
        """Share out the cores that this process may use."""
        mine = frozenset(os.sched_getaffinity(0))
        return cls(everything=mine, one=frozenset({max(mine)}))


def describe(folder: Path) -> Machine:
    """Describe this machine, and the file system that `folder` is on."""
    cpu = next((v for k, v in _pairs(Path("/proc/cpuinfo")) if k == "model name"), platform.machine())
    memory = next((v for k, v in _pairs(Path("/proc/meminfo")) if k == "MemTotal"), "0 kB")
    return Machine(
        cpu=cpu,
        cores=len(os.sched_getaffinity(0)),
        memory=f"{int(memory.split()[0]) / (1 << 20):.0f} GiB",
        system=f"{_distribution()}, Linux {platform.release()}",
        file_system=_file_system(folder),
        load=round(os.getloadavg()[0], 2),
    )


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Run on these cores only; processes that are started meanwhile stay there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def descendants(process: int) -> list[int]:
    """List a process and all that it and its children have started."""
    found = [process]
    for parent in found:
        with suppress(OSError):  # it has ended
            for thread in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def megabytes_held(processes: Iterable[int]) -> float:
    """Add up the memory of processes, in millions of bytes; what several share counts once (PSS)."""
    total = 0
    for process in processes:
        with suppress(OSError):  # it has ended
            pairs = dict(_pairs(Path(f"/proc/{process}/smaps_rollup")))
            total += int(pairs["Pss"].split()[0]) * 1024
    return total / 1e6


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _distribution() -> str:
    with suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return platform.system()


def _file_system(folder: Path) -> str:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(mount, kind) for _, mount, kind, *_ in mounts if folder.resolve().is_relative_to(mount)]
    return max(above, key=lambda one: len(one[0]))[1]
