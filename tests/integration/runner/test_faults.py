"""Databases and servers that are away for a while, and clocks that jump."""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.integration.runner.ladder import Ladder, build, faults, rungs
from tests.integration.server_process import ServerProcess
from tests.ports import free_port

from modelyard.backend.remote import connect
from modelyard.runner.holder import Lease
from modelyard.runner.lease import LeaseQuery
from modelyard.runner.leases import Leases
from modelyard.runner.runner import Pace, Runner
from modelyard.store.database import Database
from modelyard.store.store import Store

QUICK = Pace(ttl=0.3, look=0.01, idle=0.1, first=0.01, longest=0.1)


class Running:
    """A runner in a thread, to its end; what `meanwhile` does is done when it is at work."""

    def __init__(self, runner: Runner, at_work: Callable[[], bool]) -> None:
        self._thread = threading.Thread(target=runner.run)
        self._at_work = at_work

    def __enter__(self) -> None:
        self._thread.start()
        while not self._at_work():
            time.sleep(0.005)

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


def test_a_database_that_is_locked_for_longer_than_a_lease_loses_nothing(root: Path, store: Store) -> None:
    build(store.database, ["one", "two"], 60)
    runner = Runner(Leases(store), [Ladder(store, lambda _: time.sleep(0.002))], "me", QUICK)

    with Running(runner, lambda: len(rungs(store.database, "one")) > 3):
        for _ in range(3):
            locking = sqlite3.connect(root / "modelyard.db", isolation_level=None)
            locking.execute("BEGIN IMMEDIATE")
            time.sleep(0.5)
            locking.execute("ROLLBACK")
            locking.close()
            time.sleep(0.05)

    assert [len(rungs(store.database, name)) for name in ("one", "two")] == [60, 60]
    assert [*faults(store.database, "one"), *faults(store.database, "two")] == []


def test_a_postgres_that_throws_everybody_out_loses_nothing(tmp_path: Path, empty_postgres_url: str) -> None:
    store = Store.open(tmp_path, empty_postgres_url)
    build(store.database, ["one", "two"], 100)
    runner = Runner(Leases(store), [Ladder(store, lambda _: time.sleep(0.005))], "me", QUICK)
    other = Database(empty_postgres_url)
    out = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> :me"
    )

    with Running(runner, lambda: len(rungs(other, "one")) > 3):
        for _ in range(3):
            with other.write() as connection:
                connection.execute(out, {"me": connection.execute(text("SELECT pg_backend_pid()")).scalar_one()})
            time.sleep(0.1)

    assert [len(rungs(other, name)) for name in ("one", "two")] == [100, 100]
    assert [*faults(other, "one"), *faults(other, "two")] == []
    other.close()
    store.close()


class Counting:
    """Counts to a number for each of its names, in memory: what matters are the leases, which are behind a server."""

    kind = "count"

    def __init__(self, names: list[str], top: int) -> None:
        self.counts = dict.fromkeys(names, 0)
        self._top = top

    def due(self) -> list[str]:
        return [name for name, count in self.counts.items() if count < self._top]

    def step(self, key: str, lease: Lease) -> float | None:
        lease.check()
        self.counts[key] += 1
        return 0.01 if self.counts[key] < self._top else None


def test_a_server_that_is_killed_and_comes_back_loses_nothing(root: Path) -> None:
    server = ServerProcess(root, port=free_port())
    backend = connect(server.url, str(server.token))
    counting = Counting(["one", "two"], 100)
    pace = Pace(ttl=0.5, look=0.05, idle=0.1)

    with Running(Runner(backend.leases, [counting], "me", pace), lambda: counting.counts["one"] > 3):
        server.kill()
        time.sleep(1)
        server = ServerProcess(root, port=server.port)

    assert counting.counts == {"one": 100, "two": 100}
    assert backend.leases.list(LeaseQuery()).items == ()
    backend.close()
    server.stop()


def test_no_lease_is_lost_and_none_taken_over_when_the_clock_jumps(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(0)
    monkeypatch.setattr(time, "time", lambda: chance.uniform(-3600, 3600) + 1.8e9)
    build(store.database, ["one", "two", "three"], 50)
    pace = Pace(ttl=60.0, look=0.01, idle=0.1)
    others = [Runner(Leases(store), [Ladder(store)], f"runner {number}", pace) for number in range(3)]

    with caplog.at_level(logging.WARNING, "modelyard"):
        threads = [threading.Thread(target=runner.run) for runner in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert caplog.records == []
    for name in ("one", "two", "three"):
        assert faults(store.database, name) == []
        assert len({token for _, token, _ in rungs(store.database, name)}) == 1
