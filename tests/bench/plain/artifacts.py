"""Hash and copy a large file in the plainest loop, with or without waiting for the disk at the end."""

import hashlib
import os
from pathlib import Path

import material
import stopwatch

given = stopwatch.given()
folder = Path(given["where"])
source = material.random_file(folder / "source", given["megabytes"])


def copy() -> None:
    digest = hashlib.sha256()
    with source.open("rb") as reading, (folder / "copy").open("wb") as writing:
        while piece := reading.read(1 << 20):
            digest.update(piece)
            writing.write(piece)
        if given["sync"]:
            writing.flush()
            os.fsync(writing.fileno())
    digest.hexdigest()


stopwatch.tell(upload=given["megabytes"] / stopwatch.once(copy))
