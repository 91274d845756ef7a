"""The errors of tracking.

::

    ModelyardError
    └── SnapshotTooLargeError   a source folder holds more than a snapshot may
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import ModelyardError


class SnapshotTooLargeError(ModelyardError):
    """A source folder holds more than a snapshot may."""

    code = "snapshot-too-large"

    def __init__(self, folder: str, size: int, limit: int, largest: Sequence[tuple[str, int]]) -> None:
        listed = "\n".join(f"  {count / 1e6:10.1f} MB  {path}" for path, count in largest)
        super().__init__(
            f"The source folder {folder} holds {size / 1e6:.1f} MB; a snapshot may have {limit / 1e6:.1f} MB. "
            f"The largest files:\n{listed}\n"
            "Name what the script does not need in a file .modelyardignore there (a line such as data/ or *.pkl), "
            "give large data as inputs, or submit a smaller folder with source_directory."
        )
        self.folder = folder
        self.size = size
        self.limit = limit
        self.largest = [tuple(one) for one in largest]
