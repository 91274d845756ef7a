"""What every test stands on: the real services, and the rule that CI skips nothing.

The services come up when the first test asks for them (``tests/services/NAME up``, which is quick when they are up
already). Elsewhere than on Debian as root such tests are skipped with the reason; where ``CI`` is set a skip is a
failure.
"""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    import docker

ROOT = Path(__file__).resolve().parent.parent
CI = bool(os.environ.get("CI"))

# Nothing is timed in a test, so that a slow machine fails none; in CI the examples are the same each time.
hypothesis.settings.register_profile("modelyard", deadline=None, derandomize=CI, print_blob=True)
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("modelyard"), max_examples=20)
hypothesis.settings.load_profile("modelyard")


def pytest_configure() -> None:
    """Take Ctrl-C and the closing of a shell as a terminal would give them.

    What a shell starts in the background ignores SIGINT, and what ``nohup`` starts ignores SIGHUP; the tests send both
    to processes of theirs, which would inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Make a skipped test a failed one in CI."""
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Make a skipped module a failed one in CI."""
    report = yield
    return _refuse_skip(report)


def _refuse_skip(report: Any) -> Any:
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped where CI is set, but this was: {reason}"
    return report


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Take no setting from the shell, and keep what tests make out of the user's folders; the cache is shared."""
    for name in [name for name in os.environ if name.startswith("MODELYARD_") and name != "MODELYARD_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path_factory.getbasetemp() / "home"))


def _bring_up(service: str) -> str:
    """Bring a service up, and give the last line that it prints."""
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        pytest.skip(f"the real {service} service is brought up only by root on Debian")
    done = subprocess.run(
        [str(ROOT / "tests" / "services" / service), "up"], capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"the real {service} service did not come up: {done.stderr.strip()}")
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def docker_engine() -> Iterator["docker.DockerClient"]:
    """Give a client of a real Docker engine that has the image ``python:3.11-slim``."""
    import docker

    _bring_up("docker")
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image_registry(docker_engine: "docker.DockerClient") -> str:
    """Give the address of a real image registry that speaks plain HTTP."""
    return "127.0.0.1:5000"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the path of a real browser that needs no screen."""
    return _bring_up("chromium")


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Give the URL of a real PostgreSQL server, as a user who may create databases."""
    return _bring_up("postgres")


@pytest.fixture(scope="session")
def azurite_url() -> str:
    """Give the URL of a real object store that speaks as Azure Blob does, with a container for tests."""
    from tests.contract.data.azure import make_container

    url = _bring_up("azurite")
    make_container(url)
    return url


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database that this test process shares with no other."""
    yield from _database(postgres_server)


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database of this test alone."""
    yield from _database(postgres_server)


def _database(server: str) -> Iterator[str]:
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.removesuffix("/postgres") + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
