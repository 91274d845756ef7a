"""Where and how it is measured: the sides, their cores, how long each measurement takes."""

import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from tests.bench.figure import OURS, PEER
from tests.bench.machine import Cores
from tests.bench.side import Side

Attempt = Callable[[Path], dict[str, float]]
"""Measures one contestant once, in an empty folder, and returns its figures by name."""


class Sizes(Struct, frozen=True, kw_only=True):
    """How much is measured.

    Parameters
    ----------
    seconds
        How long a call is repeated.
    runs
        How many there are to choose from when runs are listed.
    megabytes
        How large a large file is.
    load
        How long a server is loaded each time, in seconds.
    neurons
        In each layer of the model whose runs are long.
    trees
        In the forest.
    requests, storm, connections, soak
        Of the scenarios that are meant to bring a server down: how many requests and connections, how many seconds;
        no soak where that is 0.
    """

    seconds: float = 1.5
    runs: int = 2000
    megabytes: int = 200
    load: float = 4
    neurons: int = 3072
    trees: int = 300
    requests: int = 100_000
    storm: float = 60
    connections: int = 5000
    soak: float = 0


class Ground(Struct, frozen=True, kw_only=True):
    """Where and how it is measured.

    Parameters
    ----------
    folder
        Where everything that is made goes.
    peer
        MLflow, if it takes part.
    rivals
        The servers that take part beside our scoring server, by name.
    """

    folder: Path
    cores: Cores
    ours: Side
    plain: Side
    peer: Side | None
    sizes: Sizes
    rivals: frozenset[str] = frozenset()

    @property
    def sides(self) -> list[Side]:
        """Ours, and the peer if it takes part."""
        return [self.ours] if self.peer is None else [self.ours, self.peer]

    def where(self, side: Side, folder: Path) -> str:
        """Say where a side keeps what its programs make, in its own words."""
        return f"sqlite:///{folder / 'mlflow.db'}" if side.name == PEER else str(folder)


def make_ground(folder: Path, peer_python: Path | None, sizes: Sizes, rivals: frozenset[str] = frozenset()) -> Ground:
    """Make the sides, each with settings that keep it off the network and out of the user's own folders."""
    settings = {"MODELYARD_HOME": str(folder / "home"), "MODELYARD_CACHE": str(folder / "cache")}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet", "HF_HUB_OFFLINE": "1"}
    here = Path(sys.executable)
    peer = (
        None
        if peer_python is None
        else Side(name=PEER, python=peer_python, programs="peer", folder=folder, settings=quiet)
    )
    return Ground(
        folder=folder,
        cores=Cores.here(),
        ours=Side(name=OURS, python=here, programs="ours", folder=folder, settings=settings),
        plain=Side(name="plain Python", python=here, programs="plain", folder=folder),
        peer=peer,
        sizes=sizes,
        rivals=rivals,
    )
