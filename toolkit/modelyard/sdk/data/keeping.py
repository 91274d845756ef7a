"""Have files become a version of a data set: kept by the workspace, or listed where they stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modelyard.data.kinds import WorkspaceFiles
from modelyard.data.sets.content import keep, recorded
from modelyard.data.sets.dataset import DatasetVersion, Listing, NewDatasetVersion, Reference
from modelyard.sdk.data.progress import shown
from modelyard.sdk.data.selection import LocalSelection, Selection, StoredSelection

if TYPE_CHECKING:
    from modelyard.sdk.workspace import Workspace


class SaidOfDataset(Struct, frozen=True, kw_only=True):
    """What a user says of a data set beside its files."""

    description: str | None = None
    tags: Mapping[str, Any] | None = None
    show_progress: bool = True


def register(workspace: Workspace, name: str, files: Selection, said: SaidOfDataset) -> DatasetVersion:
    """Keep or list files, and register them as a version."""
    with shown("Reading", sum(one.size for one in files.files), show=said.show_progress) as seen:
        if isinstance(files, LocalSelection):
            tree, reference = keep(files.files, workspace.backend.blobs, seen), None
        else:
            tree = recorded(files.store.access, files.folder, files.files, seen)
            reference = _reference(files)
    if reference is None:
        content = workspace.backend.trees.create(tree).digest
    else:
        content = workspace.backend.blobs.put(Listing.of(tree).encode())
    new = NewDatasetVersion(
        content=content,
        reference=reference,
        description=said.description,
        tags={str(tag): str(value) for tag, value in (said.tags or {}).items()},
        run_id=workspace.settings.run,
    )
    return workspace.backend.datasets.register(name, new)


def _reference(files: StoredSelection) -> Reference | None:
    """Say where files stay; those that the workspace itself has need no reference, a tree keeps them as they are."""
    if isinstance(files.store.info.kind, WorkspaceFiles):
        return None
    return Reference(datastore=files.store.name, path=files.folder)
