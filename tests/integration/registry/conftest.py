"""A workspace, and a small trained model in a file."""

from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Make a workspace of this test alone, with a home and a cache of its own."""
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AZUREML_MODEL_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    with Workspace.create("registry", path=tmp_path, settings=Settings.read()) as made:
        yield made


@pytest.fixture(scope="session")
def rows() -> np.ndarray:
    """Give sixty rows of four numbers."""
    return np.random.default_rng(0).normal(size=(60, 4))


@pytest.fixture(scope="session")
def estimator(rows: np.ndarray) -> LogisticRegression:
    """Train a classifier on the rows."""
    return LogisticRegression().fit(rows, (rows.sum(axis=1) > 0).astype(int))


@pytest.fixture
def pickled(tmp_path: Path, estimator: LogisticRegression) -> Path:
    """Write the classifier to a file."""
    joblib.dump(estimator, tmp_path / "model.pkl")
    return tmp_path / "model.pkl"
