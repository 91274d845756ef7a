import pytest

from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec


@pytest.fixture(scope="session")
def small_lock():
    """Lock two small pure packages with the real index."""
    return Resolver().lock(EnvironmentSpec.create(["six==1.17.0", "iniconfig==2.1.0"]))
