"""Runners and holders as processes: ``python -m tests.integration.runner.forks CASE ROOT ARGUMENT…``.

The rows are in the PostgreSQL database that ``LADDERS_DATABASE`` names, or in a SQLite file of the folder.
They are forked from this process, which has everything loaded and no threads, so that what befalls them falls among
work and not among imports, and a hundred of them take seconds.
"""

import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from sqlalchemy import text
from tests.integration.runner.ladder import Ladder

from modelyard.runner.attendance import Attendance
from modelyard.runner.errors import LeaseLostError, RunnerRunsError
from modelyard.runner.holder import Holder
from modelyard.runner.leases import Leases
from modelyard.runner.runner import Pace, Runner
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.workspace import Workspace
from modelyard.store.store import Store

SHORT = 0.05
"""Seconds of a lease here."""
QUICK = Pace(ttl=SHORT, look=0.005, first=0.01, longest=0.05)


def open_store(root: Path) -> Store:
    """Open the store in a folder; its rows may be elsewhere."""
    return Store.open(root, os.environ.get("LADDERS_DATABASE"))


def forked(work: Callable[[], object], keep: int = 2) -> int:
    """Do `work` in a process of its own, which has no file of this one but the standard ones and `keep`."""
    if child := os.fork():
        return child
    status = 1
    try:
        os.closerange(3, keep)
        os.closerange(keep + 1, 1000)
        work()
        status = 0
    except Exception:  # noqa: BLE001 - it is shown, and this process must not go on as its parent
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int, number: int | None = None) -> int:
    """End a child by a signal, if one is given, and return how it ended."""
    if number is not None:
        os.kill(child, number)
    return os.waitpid(child, 0)[1]


def run(root: Path, pace: Pace, **options: object) -> None:
    """Be a runner of ladders."""
    store = open_store(root)
    Runner(Leases(store), [Ladder(store, **options)], f"{os.getpid()}", pace).run()
    store.close()


def kills(root: Path, count: int, seed: str) -> None:
    """Have two runners at a time, each killed at a random moment soon after its first step began, and another then."""
    chance = random.Random(seed)
    running = [_at_work(root) for _ in range(2)]
    for _ in range(count):
        child, reading = running.pop(0)
        select.select([reading], [], [], 0.4)
        time.sleep(chance.uniform(0, 0.1))
        status = ended(child, signal.SIGKILL)
        if os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"a runner ended by itself: {status}")
        os.close(reading)
        running.append(_at_work(root))
    for child, _ in running:
        ended(child, signal.SIGKILL)


def _at_work(root: Path) -> tuple[int, int]:
    """Start a runner, and give what can be read as soon as it is within a step."""
    reading, writing = os.pipe()
    child = forked(lambda: run(root, QUICK, between=lambda _: os.write(writing, b".")), keep=writing)
    os.close(writing)
    return child, reading


def stops(root: Path, trials: int, fenced: bool) -> None:
    """Have a holder stopped within its step, another take over and write, and the first go on; print how it ends."""
    for _ in range(trials):
        child = forked(lambda: _write_late(root, fenced))
        if not os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1]) or ended(forked(lambda: _take_over(root))) != 0:
            sys.exit("nobody stood still, or nobody took over")
        os.kill(child, signal.SIGCONT)
        print("refused" if ended(child) else "written", flush=True)


def _write_late(root: Path, fenced: bool) -> None:
    """Take the lease, and stand still within the step; end otherwise than by itself if the write is refused then."""
    store = open_store(root)

    def stand_still(_key: str) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.01)  # the kernel stops all threads, not this one first

    holder = Holder(Leases(store), "late", ttl=SHORT)  # not renewed: it is not to be stopped within a renewal
    while (lease := holder.acquire("ladder:one")) is None:
        time.sleep(0.005)
    try:
        Ladder(store, stand_still, fenced=fenced).step("one", lease)
    except LeaseLostError:
        os._exit(3)


def _take_over(root: Path) -> None:
    store = open_store(root)
    with Holder(Leases(store), "next", ttl=SHORT) as holder:
        while (lease := holder.acquire("ladder:one")) is None:
            time.sleep(0.005)
        Ladder(store).step("one", lease)
        holder.release(lease)


def share(root: Path, count: int) -> None:
    """Have some runners, which begin at the same moment, share the work to its end."""
    start = time.monotonic() + 0.5

    def climb() -> None:
        open_store(root).close()
        time.sleep(max(0.0, start - time.monotonic()))
        pace = Pace(ttl=5.0, look=0.005, idle=0.1)
        run(root, pace, turn=3, between=lambda _: time.sleep(0.02))

    print(*[ended(child) for child in [forked(climb) for _ in range(count)]])


def late(root: Path, rounds: int) -> None:
    """Add work again and again to a folder whose runner ends at once, and print the rounds in which it was left."""
    chance, looking = random.Random(0), Attendance(root)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them

    def attend() -> None:
        store = open_store(root)
        pace = Pace(ttl=5.0, look=0.001, idle=0.0)
        with suppress(RunnerRunsError):
            looking.attend(Runner(Leases(store), [Ladder(store)], f"{os.getpid()}", pace))

    for number in range(rounds):
        store = open_store(root)
        with store.database.write() as connection:
            connection.execute(text("UPDATE ladder SET top = top + 1"))
        store.close()
        looking.ensure(lambda: forked(attend))
        if not _climbed(root, number + 1):
            print(number, flush=True)
        time.sleep(chance.uniform(0, 0.006))


def _climbed(root: Path, top: int) -> bool:
    deadline = time.monotonic() + 60
    store = open_store(root)
    try:
        while time.monotonic() < deadline:
            with store.database.read() as connection:
                if connection.execute(text("SELECT COUNT(*) FROM rung")).scalar_one() >= top:
                    return True
            time.sleep(0.001)
        return False
    finally:
        store.close()


def starts(root: Path, rounds: int) -> None:
    """Have eight at a time start a runner's process; print what they were told, and which processes there are."""
    for _ in range(rounds):
        start = time.monotonic() + 0.3
        children = [forked(lambda start=start: _ask(root, start)) for _ in range(8)]
        if any(ended(child) for child in children):
            sys.exit("one was told nothing")
        told = root / "told"
        print(told.read_text().strip(), "|", *_runners(root), flush=True)
        told.unlink()
        Attendance(root).stop()
        while _runners(root):
            time.sleep(0.005)


def _ask(root: Path, start: float) -> None:
    with Workspace.open(root) as workspace:
        time.sleep(max(0.0, start - time.monotonic()))  # all at the same moment
        pid = ensure_runner(workspace, 60.0)
        with (root / "told").open("a") as told:
            told.write(f"{pid} ")


def _runners(root: Path) -> list[int]:
    lines = {process.pid: process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])}
    return [pid for pid, line in lines.items() if "modelyard.sdk.runner" in line and str(root) in line]


def main(case: str, root: str, *arguments: str) -> None:
    """Run one of the cases."""
    open_store(Path(root)).close()  # the driver is loaded once, and not by each who is killed
    match case:
        case "kills":
            kills(Path(root), int(arguments[0]), arguments[1])
        case "stops":
            stops(Path(root), int(arguments[0]), arguments[1] == "fenced")
        case "share":
            share(Path(root), int(arguments[0]))
        case "late":
            late(Path(root), int(arguments[0]))
        case "starts":
            starts(Path(root), int(arguments[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
