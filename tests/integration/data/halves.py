"""Upload a folder, stop after so many files, and wait to be killed: python -m tests.integration.data.halves …"""

import signal
import sys
from pathlib import Path

from modelyard import Workspace
from modelyard.data.transfer import files_of, upload


def main(home: str, name: str, source: str, count: int) -> None:
    """Say how many files are kept, one a line; after `count` of them wait."""
    store = Workspace.open(home).datastores[name]
    kept: list[str] = []

    def seen(_size: int, path: str) -> None:
        kept.append(path)
        if len(kept) == count:
            print("half-way", flush=True)
            signal.pause()

    upload(store.access, name, files_of(Path(source), ""), overwrite=False, seen=seen)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
