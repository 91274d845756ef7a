"""Where a model version came from, read from the rooms that know."""

from __future__ import annotations

from modelyard.backend.backend import Backend
from modelyard.environments.lock import Lock
from modelyard.errors import NotFoundError
from modelyard.models.lineage import Lineage, LockedEnvironment
from modelyard.models.model import ModelVersion
from modelyard.tracking.run import RunInfo

DERIVED_FROM = "derived_from"
"""The property that names the version that one was converted from."""

_INPUT = "input:"


def lineage_of(backend: Backend, version: ModelVersion) -> Lineage:
    """Follow a version back to its run, source, environment and data."""
    run = _run(backend, version.run_id)
    digests = {} if run is None else run.digests
    return Lineage(
        model=version.id,
        run_id=version.run_id,
        experiment=run.experiment if run else None,
        status=run.status if run else None,
        snapshot=digests.get("snapshot"),
        git=dict(run.details.get("git") or {}) if run else {},
        parameters=run.parameters if run else {},
        environment=_environment(backend, version.lock),
        inputs={name.removeprefix(_INPUT): one for name, one in digests.items() if name.startswith(_INPUT)},
        datasets=version.datasets,
        derived_from=version.properties.get(DERIVED_FROM),
    )


def _run(backend: Backend, run_id: str | None) -> RunInfo | None:
    try:
        return None if run_id is None else backend.runs.get(run_id)
    except NotFoundError:
        return None


def _environment(backend: Backend, blob: str | None) -> LockedEnvironment | None:
    if blob is None:
        return None
    lock = Lock.from_json(backend.blobs.read(blob))
    return LockedEnvironment(
        blob=blob,
        digest=lock.digest,
        kind=lock.kind,
        python=lock.python,
        platform=lock.platform,
        packages=len(lock.packages),
    )
