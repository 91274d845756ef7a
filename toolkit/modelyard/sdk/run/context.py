"""The run that a process belongs to; one that is offline where there is none."""

from __future__ import annotations

import sys

from modelyard.errors import StateError
from modelyard.sdk.run.offline import NAME, offline_workspace
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings
from modelyard.tracking.run import NewExperiment, NewRun, RunInfo


def context(*, allow_offline: bool, settings: Settings | None = None) -> tuple[Workspace, RunInfo]:
    """Find the run that the environment names, and its workspace; where it names none, make an offline one.

    Raises
    ------
    StateError
        If the environment names none, and `allow_offline` is not set.
    """
    settings = settings or Settings.read()
    if settings.run is not None and settings.workspace is not None:
        workspace = Workspace.open(settings.workspace, settings=settings)
        return workspace, workspace.backend.runs.get(settings.run)
    if not allow_offline:
        raise StateError("This process", "not part of a run", "be asked for one; submit the script to give it one")
    sys.stderr.write("modelyard: offline run: what is logged goes with the process, files go to ./outputs\n")
    workspace = offline_workspace(settings)
    workspace.backend.experiments.create(NewExperiment(name=NAME))
    return workspace, workspace.backend.runs.create(NAME, NewRun(status="Running"))
