"""How fast many files are sent to an object store, beside the client below that sends them alone."""

import os
import subprocess
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import obstore
from obstore.store import AzureStore
from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.contract.data.azure import ACCOUNT, CONTAINER, KEY, VARIABLE, make_container, register

from modelyard.data.streams import STREAMS
from modelyard.sdk.workspace import Workspace

RAW = "obstore"
FIGURES = (
    Figure(
        name="data-upload",
        title="1 GB in 1,000 files to an object store",
        unit="MB/s",
        more=True,
        targets=(Target(bound=0.7, beside=RAW),),
    ),
    Figure(name="data-download", title="the same back", unit="MB/s", more=True),
)
_SERVICES = Path(__file__).parents[1] / "services"
_SIZE = 1_000_000


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured: us, and as many threads that send the same files by the same client."""
    return {OURS: partial(_ours, ground), RAW: partial(_raw, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    files = _files(ground, folder)
    os.environ[VARIABLE] = KEY
    with Workspace.create("bench", path=folder) as workspace:
        store = register(workspace, _azurite())
        sent = _rate(files, lambda: store.upload(files[0].parent, show_progress=False))
        fetched = _rate(files, lambda: store.download(folder / "back", show_progress=False))
        store.delete_files("")
    return {"data-upload": sent, "data-download": fetched}


def _raw(ground: Ground, folder: Path) -> dict[str, float]:
    files = _files(ground, folder)
    back = folder / "back"
    back.mkdir()
    with ThreadPoolExecutor(STREAMS) as pool:
        account = {"account_name": ACCOUNT, "account_key": KEY, "endpoint": _azurite()}
        store = AzureStore(CONTAINER, prefix=uuid.uuid4().hex, client_options={"allow_http": True}, **account)

        def fetch(file: Path) -> None:
            with (back / file.name).open("wb") as opened:
                for chunk in obstore.get(store, file.name).stream():
                    opened.write(chunk)

        sent = _rate(files, lambda: list(pool.map(lambda file: obstore.put(store, file.name, file), files)))
        fetched = _rate(files, lambda: list(pool.map(fetch, files)))
        obstore.delete(store, [file.name for file in files])
    return {"data-upload": sent, "data-download": fetched}


def _files(ground: Ground, folder: Path) -> list[Path]:
    """Write the files, no two alike: five for each megabyte that a large file has elsewhere."""
    folder.joinpath("files").mkdir(parents=True)
    names = [folder / "files" / f"{number}.bin" for number in range(5 * ground.sizes.megabytes)]
    for name in names:
        name.write_bytes(os.urandom(_SIZE))
    return names


def _rate(files: list[Path], call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return len(files) * _SIZE / 1e6 / (time.perf_counter() - start)


def _azurite() -> str:
    """Bring up the object store, and give its URL."""
    up = subprocess.run([_SERVICES / "azurite", "up"], check=True, capture_output=True, text=True)
    make_container(url := up.stdout.strip())
    return url
