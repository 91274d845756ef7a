"""A workspace with files to register."""

from collections.abc import Callable

import pytest

from modelyard.backend.backend import Backend
from modelyard.models.model import ModelVersion, NewModelVersion
from modelyard.store.tree import Entry, Tree

Register = Callable[..., ModelVersion]


@pytest.fixture
def register(backend: Backend) -> Register:
    """Register a file of some bytes as the next version of a name."""

    def call(name: str = "digits", content: bytes = b"weights", **new: object) -> ModelVersion:
        blob = backend.blobs.put(content)
        tree = Tree.of([Entry(path="model.pkl", sha256=blob, size=len(content))])
        return backend.models.register(name, NewModelVersion(tree=backend.trees.create(tree).digest, **new))

    return call
