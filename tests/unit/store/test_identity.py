"""Which workspace a store is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.errors import AlreadyExistsError, InvalidNameError, WorkspaceNotFoundError
from modelyard.store.identity import Identity, NewWorkspace
from modelyard.store.store import Store


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    store = Store.open(tmp_path)
    yield Identity(store)
    store.close()


def test_a_store_is_made_a_workspace_once(identity: Identity) -> None:
    with pytest.raises(WorkspaceNotFoundError):
        identity.get()
    made = identity.create(NewWorkspace(name="yard", labels={"é": "1"}))
    assert identity.get() == made
    with pytest.raises(AlreadyExistsError, match="yard"):
        identity.create(NewWorkspace(name="other"))


def test_a_new_name_keeps_the_id(identity: Identity) -> None:
    made = identity.create(NewWorkspace(name="yard"))
    changed = identity.relabel(NewWorkspace(name="garden", labels={"a": "b"}))
    assert identity.get() == changed
    assert (changed.id, changed.created, changed.name) == (made.id, made.created, "garden")
    with pytest.raises(InvalidNameError):
        identity.relabel(NewWorkspace(name="../up"))
    assert identity.get() == changed
