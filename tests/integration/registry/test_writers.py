"""Many processes register one name at once."""

import itertools
import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from tests.contract.conftest import Served
from tests.integration.registry.writers import register_many, register_trees
from tests.integration.scoring.crowd import FULL

from modelyard.backend.embedded import open_embedded
from modelyard.backend.remote import connect
from modelyard.models.model import ModelQuery, NewModelVersion
from modelyard.models.packing import keep_model
from modelyard.sdk.model.model import Model
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings
from modelyard.store.store import Store

EACH = 250 if FULL else 50


def test_eight_processes_get_contiguous_numbers(workspace, pickled):
    with ProcessPoolExecutor(8, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(register_many, workspace.location, str(pickled), EACH) for _ in range(8)]
        numbers = [one.result() for one in waiting]
    assert sorted(number for of_one in numbers for number in of_one) == list(range(1, 8 * EACH + 1))
    assert all(of_one == sorted(of_one) for of_one in numbers)
    found = Counter(model.version for model in Model.list(workspace, "digits"))
    assert found == Counter(range(1, 8 * EACH + 1))
    assert Model(workspace, "digits").version == 8 * EACH


def test_eight_processes_get_contiguous_numbers_in_postgres(empty_postgres_url, tmp_path, pickled):
    backend = open_embedded(tmp_path / "rows", empty_postgres_url)
    tree = backend.trees.create(keep_model(pickled, backend.blobs)).digest
    with ProcessPoolExecutor(8, mp_context=multiprocessing.get_context("spawn")) as pool:
        arguments = (str(tmp_path / "rows"), empty_postgres_url, tree, EACH)
        waiting = [pool.submit(register_trees, *arguments) for _ in range(8)]
        numbers = sorted(number for one in waiting for number in one.result())
    assert numbers == list(range(1, 8 * EACH + 1))
    assert backend.models.get("digits").version == 8 * EACH
    backend.close()


def test_clients_of_a_server_get_contiguous_numbers(workspace, pickled):
    tree = Model.register(workspace, pickled, "other").info.tree
    server = Served(Store.open(Path(workspace.location)))

    def register(_: int) -> list[int]:
        backend = connect(server.url, server.tokens["contributor"])
        try:
            return [backend.models.register("digits", NewModelVersion(tree=tree)).version for _ in range(20)]
        finally:
            backend.close()

    try:
        with ThreadPoolExecutor(8) as pool:
            numbers = sorted(number for of_one in pool.map(register, range(8)) for number in of_one)
    finally:
        server.close()
    assert numbers == list(range(1, 161))
    assert len(workspace.backend.models.list(ModelQuery(name="digits", limit=1000)).items) == 160


def test_an_alias_that_many_move_points_to_one_version_and_keeps_every_move(workspace, pickled):
    alias = "champion"
    models = [Model.register(workspace, pickled, "digits") for _ in range(4)]

    def move(i: int) -> None:
        with Workspace.open(workspace.location, settings=Settings.read()) as mine:
            for step in range(10):
                Model(mine, "digits", version=models[(i + step) % 4].version).set_alias(alias)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, range(4)))
    moves = list(reversed(models[0].alias_history(alias)))
    assert all(before.after == after.before for before, after in itertools.pairwise(moves))
    assert Model(workspace, "digits", alias=alias).version == moves[-1].after
