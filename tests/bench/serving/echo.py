"""A server of a model that gives back what it gets, for the scenarios of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.ground import Ground
from tests.bench.machine import pinned
from tests.integration.scoring.conftest import Running, save, write_folder
from tests.integration.scoring.scenarios import nonces


@contextmanager
def echo(
    ground: Ground, folder: Path, *options: str, layers: int, queue: int = 1000, log: int | None = None
) -> Iterator[Running]:
    """Serve it on the server's core; each row costs some products of matrices."""
    content = nonces.echo(save, size=1024, layers=layers)
    models = {"echo": (content, nonces.SIGNATURE, nonces.SAMPLE)}
    served = write_folder(folder / "served", models, limits={"max_queue": queue})
    with pinned(ground.cores.one):
        server = Running(served, folder, "--run-in", "thread", "--access-log", "errors", *options, log=log)
    try:
        yield server.wait()
    finally:
        server.stop()
