"""What every contestant is given alike: a file of random bytes, a small scikit-learn model."""

import os
from pathlib import Path
from typing import Any

_PIECE = 1 << 20


def random_file(path: Path, megabytes: int) -> Path:
    """Write so many times a million bytes, and wait until they are on the disk."""
    left = megabytes * 1_000_000
    with path.open("wb") as file:
        while left:
            left -= file.write(os.urandom(min(left, _PIECE)))
        file.flush()
        os.fsync(file.fileno())
    return path


def classifier() -> Any:
    """Train a logistic regression on the iris flowers."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
