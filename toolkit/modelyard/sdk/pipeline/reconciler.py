"""What the runner does for runs of pipelines: it brings about what their graphs say."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from modelyard.pipelines.advance import PipelineDueQuery
from modelyard.pipelines.progress import KIND
from modelyard.runner.holder import Lease
from modelyard.sdk.pipeline.computes import ComputeTargets
from modelyard.sdk.pipeline.going import Going
from modelyard.sdk.workspace import Workspace


class PipelineReconciler:
    """Looks after the runs of pipelines that run on this machine, and those that run nowhere yet."""

    kind = KIND

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: dict[str, Going] = {}
        self._computes = ComputeTargets(workspace)

    def due(self) -> Iterable[str]:
        """Name the runs of this machine that have not ended."""
        return self._workspace.backend.pipeline_progress.due(PipelineDueQuery(machine=platform.node())).runs

    def step(self, key: str, lease: Lease) -> float | None:
        """Go on with a run, until something has happened or for a moment."""
        going = self._kept.get(key)
        if going is None or going.lease is not lease:
            if going is not None:
                going.close()
            going = self._kept[key] = Going(self._workspace, key, lease, self._computes)
        try:
            wait = going.go_on()
        except BaseException:  # what is remembered may not be what is written
            self._kept.pop(key, None)
            going.close()
            raise
        if wait is None:
            self._kept.pop(key, None)
        return wait
