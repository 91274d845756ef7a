"""Making an image: its specification, its trial, its version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.environments.progress import Progress
from modelyard.images.image import ImageVersion, NewImageVersion
from modelyard.images.inference import CodeSample, ImageConfig, InferenceConfig
from modelyard.images.spec import (
    ImageSpec,
    running_image_platform,
)
from modelyard.images.trials.report import TrialReport
from modelyard.sdk.image.draft import Draft
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.git import git_facts


class Asked(Struct, frozen=True, kw_only=True):
    """What an image is to be made of, in whatever way that was said."""

    models: Sequence[str]
    config: ImageConfig
    platforms: Sequence[str]
    sample: CodeSample | None
    dry_run: bool
    trial: bool
    upgrade: bool
    told: Callable[[TrialReport], None]


def create_image(workspace: Workspace, name: str, asked: Asked, say: Progress) -> ImageVersion:
    """Keep what an image is made of, and register it; a dry run registers nothing, and gives the version 0."""
    draft = Draft(workspace, name, asked.models, asked.config, say, upgrade=asked.upgrade)
    spec = draft.spec(asked.platforms or (running_image_platform(),), asked.sample)
    trial = _tried(workspace, spec, draft, asked, say) if asked.trial else ""
    new = NewImageVersion(
        spec=workspace.backend.blobs.put(spec.canonical),
        blobs=draft.blobs,
        trial=trial,
        description=asked.config.description,
        tags=asked.config.tags,
        source=_source(asked.config.inference),
    )
    return _unregistered(name, spec, new) if asked.dry_run else workspace.backend.images.register(name, new)


def _tried(workspace: Workspace, spec: ImageSpec, draft: Draft, asked: Asked, say: Progress) -> str:
    """Try the code, tell what it touched that it should not have, and keep the report."""
    from modelyard.sdk.image.trying import try_code

    report = try_code(workspace, spec, draft.requirements, say)
    if report is None:
        return ""
    asked.told(report)
    report.check(f"The code of {spec.name}")
    return workspace.backend.blobs.put(report.to_json())


def _unregistered(name: str, spec: ImageSpec, new: NewImageVersion) -> ImageVersion:
    return ImageVersion(
        name=name,
        version=0,
        digest=new.spec,
        spec=spec,
        description=new.description,
        tags=new.tags,
        source=new.source,
        created=dt.datetime.now(dt.UTC),
    )


def _source(inference: InferenceConfig) -> dict[str, str]:
    """Say what git says of the code; nothing where there is none."""
    given = inference.source_directory or (inference.entry_script and Path(inference.entry_script).parent)
    if not given:
        return {}
    facts = git_facts(Path(given))
    said = {} if facts is None else msgspec.structs.asdict(facts)
    return {name: str(value) for name, value in said.items() if value not in (None, "")}
