"""What a process holds, as the kernel sees it."""

from pathlib import Path

from msgspec import Struct


class Held(Struct, frozen=True, kw_only=True):
    """Bytes of memory that are the process's own or shared, threads, and open files."""

    memory: int
    threads: int
    files: int


def held(pid: int) -> Held:
    """Look at a process."""
    folder = Path(f"/proc/{pid}")
    facts = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return Held(
        memory=int(facts["VmRSS"].split()[0]) * 1024,
        threads=int(facts["Threads"]),
        files=len(list((folder / "fd").iterdir())),
    )


def slope(points: list[tuple[float, float]]) -> float:
    """Give the least-squares slope of values over time."""
    assert len(points) >= 3, f"{len(points)} points say nothing of a slope"
    middle = sum(x for x, _ in points) / len(points)
    level = sum(y for _, y in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - level) for x, y in points) / spread
