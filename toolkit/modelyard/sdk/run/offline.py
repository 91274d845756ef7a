"""A run that is recorded nowhere: it lives in a workspace of its own that goes when the process ends."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from modelyard.backend.embedded import over
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings
from modelyard.store.creation import create_store
from modelyard.store.store import Store
from modelyard.tracking.files import Files, NewFiles

NAME = "offline"
"""What the workspace and the experiment of an offline run are called."""

_OUTPUTS = "outputs"


class OfflineFiles(Files):
    """Files of runs that are written below ``./outputs`` too, where whoever runs the script looks for them."""

    def add(self, run_id: str, new: NewFiles) -> None:
        """Keep files, and write each below ``./outputs`` under its name."""
        super().add(run_id, new)
        for file in new.files:
            self._blobs.get(file.sha256, Path(_OUTPUTS, file.path.removeprefix(f"{_OUTPUTS}/")))


def offline_workspace(settings: Settings) -> Workspace:
    """Make a workspace that goes when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="modelyard-offline-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    create_store(folder, NAME, {}, exist_ok=True)
    store = Store.open(folder)
    backend = over(store)
    backend.files = OfflineFiles(store)
    return Workspace(backend, settings)
