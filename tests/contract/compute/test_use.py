"""What is noted of the use of a compute target, by whoever claims and frees its slots."""

from pathlib import Path

import pytest

from modelyard.compute.computes import Computes, note_use
from modelyard.compute.pool import NewCompute
from modelyard.errors import InUseError
from modelyard.store.store import Store


def test_the_use_of_a_pool_shows_and_keeps_it_from_being_deleted(folder: Path) -> None:
    store = Store.open(folder)
    computes = Computes(store)
    computes.create("pool", NewCompute(max_nodes=4))
    with store.database.write() as connection:
        note_use(connection, "pool", running=2, waiting=1)
        note_use(connection, "nosuch", running=1, waiting=0)

    seen = computes.get("pool").nodes
    assert (seen.running, seen.current, seen.target) == (2, 2, 3)
    with pytest.raises(InUseError, match="2 jobs that run and 1 that wait"):
        computes.delete("pool")
    with store.database.write() as connection:
        note_use(connection, "pool", running=0, waiting=0)
    computes.delete("pool")
    store.close()
