"""A layer is never in memory, however large its files are."""

import subprocess
import sys
from pathlib import Path

SIZE = 256 << 20
WRITE = """
import resource, sys
from pathlib import Path
from modelyard.images.layers import Compression, LayerEntry, write_layer
from modelyard.store.blobs import BlobFolder
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
entry = LayerEntry(path="model.bin", source=Path(sys.argv[1]))
write_layer([entry], BlobFolder(Path(sys.argv[2])), Compression(level=1))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(SIZE)
    command = [sys.executable, "-c", WRITE, str(tmp_path / "large"), str(tmp_path / "blobs")]

    grown = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout) << 10

    assert grown < SIZE / 16
