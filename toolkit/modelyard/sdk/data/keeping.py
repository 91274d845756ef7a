"""Have files become a version of a data set: kept by the workspace, or listed where they stay."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modelyard.data.access import unchanged
from modelyard.data.kinds import WorkspaceFiles
from modelyard.data.sets.content import keep, recorded
from modelyard.data.sets.dataset import DatasetVersion, Listing, NewDatasetVersion, Reference
from modelyard.data.sets.formats import Format
from modelyard.data.sets.profile import Profile
from modelyard.data.sets.profiling import profile_of
from modelyard.data.sets.tabular import read_table
from modelyard.data.transfer import Seen, download
from modelyard.sdk.data.progress import shown
from modelyard.sdk.data.selection import LocalSelection, Selection, StoredSelection
from modelyard.store.cached_folder import cached_folder
from modelyard.store.tree import Tree

if TYPE_CHECKING:
    from modelyard.sdk.workspace import Workspace


class SaidOfDataset(Struct, frozen=True, kw_only=True):
    """What a user says of a data set beside its files."""

    description: str | None = None
    tags: Mapping[str, Any] | None = None
    show_progress: bool = True


def register(
    workspace: Workspace, name: str, files: Selection, said: SaidOfDataset, kind: Format | None
) -> DatasetVersion:
    """Keep or list files, and register them as a version; those of a table are read before anything is kept.

    Raises
    ------
    TableNotReadError
        If `kind` is given, and they are not such a table.
    """
    with shown("Reading", sum(one.size for one in files.files), show=said.show_progress) as seen:
        if isinstance(files, LocalSelection):
            (tree, profile), reference = _kept(workspace, files, kind, seen), None
        else:
            (tree, profile), reference = _stored(workspace, files, kind, seen), _reference(files)
    if reference is None:
        content = workspace.backend.trees.create(tree).digest
    else:
        content = workspace.backend.blobs.put(Listing.of(tree).encode())
    new = NewDatasetVersion(
        content=content,
        reference=reference,
        format=kind,
        profile=None if profile is None else workspace.backend.blobs.put(profile.to_json()),
        description=said.description,
        tags={str(tag): str(value) for tag, value in (said.tags or {}).items()},
        run_id=workspace.settings.run,
    )
    return workspace.backend.datasets.register(name, new)


def _kept(workspace: Workspace, files: LocalSelection, kind: Format | None, seen: Seen) -> tuple[Tree, Profile | None]:
    with ExitStack() as reading:
        profile = None
        if kind is not None:
            for one in files.files:  # what is profiled is what is kept
                reading.enter_context(unchanged(one.file))
            profile = profile_of(read_table({one.path: one.file for one in files.files}, kind))
        return keep(files.files, workspace.backend.blobs, seen), profile


def _stored(
    workspace: Workspace, files: StoredSelection, kind: Format | None, seen: Seen
) -> tuple[Tree, Profile | None]:
    tree = recorded(files.store.access, files.folder, files.files, seen)
    return tree, None if kind is None else _profile(workspace, files, tree, kind)


def _reference(files: StoredSelection) -> Reference | None:
    """Say where files stay; those that the workspace itself has need no reference, a tree keeps them as they are."""
    if isinstance(files.store.info.kind, WorkspaceFiles):
        return None
    return Reference(datastore=files.store.name, path=files.folder)


def table_folder(workspace: Workspace, tree: Tree) -> Path:
    """Say where the files of a table are had on this machine, to be read again and again."""
    return workspace.settings.cache / "datasets" / tree.digest


def _profile(workspace: Workspace, files: StoredSelection, tree: Tree, kind: Format) -> Profile:
    def write(folder: Path) -> None:
        aside = folder.with_name("stored")
        aside.mkdir()
        download(files.store.access, files.files, aside, overwrite=True, seen=lambda *_: None)
        (aside / files.folder).rename(folder)

    folder = cached_folder(table_folder(workspace, tree), tree, write)
    return profile_of(read_table({path: folder / path for path in files.paths}, kind))
