"""Slim bases, made with real packages of the machine's Debian mirror, once for all test runs of this machine."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.images.debian.slim import SlimBase, make_base
from modelyard.settings import Settings
from modelyard.store.blobs import BlobFolder


@pytest.fixture(scope="session")
def base_cache() -> Path:
    """Give the folder where packages are kept; where there is no APT, what needs it is skipped."""
    if shutil.which("apt-get") is None:
        pytest.skip("the slim base is made of Debian packages, and this machine has no apt-get")
    return Settings.read().cache / "debian"


@pytest.fixture(scope="session")
def base_blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobFolder:
    return BlobFolder(tmp_path_factory.mktemp("base") / "blobs")


@pytest.fixture(scope="session")
def slim(base_cache: Path, base_blobs: BlobFolder) -> Callable[[str, str], SlimBase]:
    """Give what makes the base of a Python version for an architecture."""
    return lambda python, architecture: make_base(architecture, base_blobs, cache=base_cache, python=python)
