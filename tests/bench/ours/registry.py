"""Write a small scikit-learn model to a file and register it with the lock of this environment."""

import itertools
import pickle
from pathlib import Path

import material
import place
import stopwatch

from modelyard import Model

given = stopwatch.given()
model = material.classifier()
path = Path(given["where"]) / "model.pkl"
numbers = itertools.count(1)
with place.workspace(given["where"]) as workspace:

    def register() -> None:
        path.write_bytes(pickle.dumps(model))
        registered = Model.register(workspace, path, "iris", framework="scikit-learn")
        assert registered.version == next(numbers)

    first = stopwatch.once(register)
    stopwatch.tell(first=first, next=stopwatch.middle(register, given["seconds"]))
