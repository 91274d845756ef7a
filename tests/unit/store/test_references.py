"""What is written into a row is there, and stays."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest
from tests.contract.sealed import seal

from modelyard.backend.embedded import over
from modelyard.errors import MissingBlobError
from modelyard.images.spec import PlatformPart
from modelyard.models.model import ModelQuery, NewModelVersion
from modelyard.store.garbage import CollectGarbage, Garbage
from modelyard.store.store import Store
from modelyard.store.tree import Entry, Tree
from modelyard.tracking.files import NewFile, NewFiles
from modelyard.tracking.run import NewExperiment, NewRun

GONE = "0" * 64


@pytest.fixture
def store(tmp_path: Path):
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def _tree(store: Store, content: bytes) -> tuple[str, str]:
    """Keep a tree of one file, and give the digests of both."""
    file = store.blobs.put(content)
    entry = Entry(path="model.onnx", sha256=file, size=len(content))
    return over(store).trees.create(Tree.of([entry])).digest, file


def test_a_model_is_not_registered_without_the_files_of_its_tree(store: Store) -> None:
    """Collection may take the file of a tree that no row refers to yet, and leave the tree."""
    tree, file = _tree(store, b"a model")
    old = time.time() - 7200
    os.utime(store.blobs.path(file), (old, old))
    Garbage(store).collect(CollectGarbage())
    assert (store.blobs.path(tree).exists(), store.blobs.path(file).exists()) == (True, False)

    with pytest.raises(MissingBlobError, match=file):
        over(store).models.register("digits", NewModelVersion(tree=tree))

    assert over(store).models.list(ModelQuery()).items == ()


def test_runs_files_and_services_name_only_what_is_kept(store: Store) -> None:
    backend = over(store)
    backend.experiments.create(NewExperiment(name="e"))
    run = backend.runs.create("e", NewRun())
    tree, _ = _tree(store, b"a model")
    model = backend.models.register("digits", NewModelVersion(tree=tree))

    with pytest.raises(MissingBlobError):
        backend.runs.create("e", NewRun(digests={"snapshot": GONE}))
    with pytest.raises(MissingBlobError):
        backend.files.add(run.id, NewFiles(files=(NewFile(path="a", sha256=GONE, size=1),)))
    with pytest.raises(MissingBlobError):
        seal(backend, "digits", model.id, parts=(PlatformPart(platform="linux/amd64", lock=GONE),))
    assert backend.runs.create("e", NewRun(digests={"snapshot": tree})).number == 2  # the refused one took no number


def _collect(root: Path, stop: "multiprocessing.synchronize.Event") -> None:
    opened = Store.open(root)
    while not stop.is_set():
        Garbage(opened).collect(CollectGarbage(older_than=0.0))
    opened.close()


def test_collection_takes_nothing_from_what_is_registered_at_the_same_time(store: Store, tmp_path: Path) -> None:
    """A collector without any grace runs beside 200 registrations: each is refused or keeps its file."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    collector = context.Process(target=_collect, args=(tmp_path, stop))
    collector.start()
    registered, refused = [], 0
    for number in range(5000):
        if len(registered) >= 200 and refused:
            break
        try:
            tree, file = _tree(store, f"model {number}".encode())
            over(store).models.register("digits", NewModelVersion(tree=tree))
            registered.append((tree, file))
        except MissingBlobError:
            refused += 1
    stop.set()
    collector.join(30)

    assert collector.exitcode == 0
    assert len(registered) >= 200
    assert refused > 0, "the collector never came in between: this shows nothing"
    assert [one for pair in registered for one in pair if not store.blobs.path(one).exists()] == []
