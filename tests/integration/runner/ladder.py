"""A small real reconciler: each key has a ladder of numbers to climb, one rung a step.

A step reads where it is, does something outside the database (a line of a file), and then writes the rung behind the
fence, so that between reading and writing anything may happen to its process.
"""

import fcntl
import os
from collections.abc import Callable, Sequence

from sqlalchemy import text

from modelyard.runner.holder import Lease
from modelyard.runner.leases import fence
from modelyard.store.database import Database
from modelyard.store.store import Store


class Ladder:
    """Climbs what is wanted in the table ``ladder``.

    Parameters
    ----------
    between
        Called with the key between reading and writing.
    fenced
        Without it the step writes as if there were no leases: the control.
    turn
        Rungs after which a lease is given back, for another to go on.
    """

    kind = "ladder"

    def __init__(
        self, store: Store, between: Callable[[str], object] = lambda _: None, *, fenced: bool = True, turn: int = 0
    ) -> None:
        self._database = store.database
        self._folder = store.root
        self._between = between
        self._fenced = fenced
        self._turn = turn

    def due(self) -> list[str]:
        """List the ladders that are not climbed to their top."""
        with self._database.read() as connection:
            climbed = "(SELECT COALESCE(MAX(number), 0) FROM rung WHERE rung.name = ladder.name)"
            return list(connection.execute(text(f"SELECT name FROM ladder WHERE top > {climbed}")).scalars())

    def step(self, key: str, lease: Lease) -> float | None:
        """Climb one rung."""
        with (self._folder / f"{key}.busy").open("w") as busy:
            try:
                fcntl.flock(busy, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                (self._folder / "clash").touch()
            return self._climb(key, lease)

    def _climb(self, key: str, lease: Lease) -> float | None:
        with self._database.read() as connection:
            number = connection.execute(text("SELECT COUNT(*) FROM rung WHERE name = :n"), {"n": key}).scalar_one() + 1
            top = connection.execute(text("SELECT top FROM ladder WHERE name = :n"), {"n": key}).scalar_one()
        if number > top:
            return None
        self._between(key)
        row = {"n": key, "i": number, "t": lease.token, "p": os.getpid()}
        with self._database.write() as connection:
            if self._fenced:
                fence(self._database, lease.key, lease.token)
            connection.execute(text("INSERT INTO rung VALUES (:n, :i, :t, :p)"), row)
        return None if number == top or (self._turn and number % self._turn == 0) else 0.0


def build(database: Database, names: Sequence[str], top: int) -> None:
    """Make the tables, and want each ladder climbed."""
    with database.write() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS ladder (name VARCHAR(100), top INTEGER)"))
        rung = "rung (name VARCHAR(100), number INTEGER, token BIGINT, pid INTEGER)"
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {rung}"))
        for name in names:
            connection.execute(text("INSERT INTO ladder VALUES (:n, :t)"), {"n": name, "t": top})


def raise_tops(database: Database, more: int) -> None:
    """Want a few rungs more than are climbed, and no more than that."""
    climbed = "(SELECT COUNT(*) FROM rung WHERE rung.name = ladder.name)"
    with database.write() as connection:
        connection.execute(text(f"UPDATE ladder SET top = {climbed} + :more"), {"more": more})


def rungs(database: Database, name: str) -> list[tuple[int, int, int]]:
    """List the number, the token and the process of each rung of a ladder, by their tokens and numbers."""
    with database.read() as connection:
        found = connection.execute(
            text("SELECT number, token, pid FROM rung WHERE name = :n ORDER BY token, number"), {"n": name}
        )
        return [tuple(row) for row in found]


def faults(database: Database, name: str) -> list[str]:
    """Say what is wrong with a ladder: a rung that is written twice, left out, or by a holder of before."""
    numbers = [number for number, _, _ in rungs(database, name)]
    if numbers == list(range(1, len(numbers) + 1)):
        return []
    return [f"{name}: {numbers}"]
