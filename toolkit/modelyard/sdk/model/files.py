"""What a version consists of: the part of `Model` that reads files, every one checked against its digest."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelyard.errors import AlreadyExistsError, DigestMismatchError, NotFoundError
from modelyard.models.model import ModelVersion
from modelyard.models.placement import cached_copy, only_entry
from modelyard.models.signature import Sample, Signature
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Tree, materialise

if TYPE_CHECKING:
    from modelyard.environments.lock import Lock
    from modelyard.onnx.certificate import Certificate


class ModelFiles:
    """The files of a version; `Model` is the class to use."""

    workspace: Workspace
    info: ModelVersion

    @property
    def tree(self) -> Tree:
        """The listing of its files."""
        return self.workspace.backend.trees.get(self.info.tree)

    @property
    def signature(self) -> Signature | None:
        """What it takes and gives."""
        return self.info.signature

    @property
    def sample(self) -> Sample | None:
        """One request with its recorded answer."""
        data = self._blob(self.info.sample)
        return None if data is None else msgspec.json.decode(data, type=Sample)

    @property
    def certificate(self) -> Certificate | None:
        """What was measured when it was converted."""
        from modelyard.onnx.certificate import Certificate

        data = self._blob(self.info.certificate)
        return None if data is None else msgspec.json.decode(data, type=Certificate)

    @property
    def lock(self) -> Lock | None:
        """The environment that it was made in."""
        from modelyard.environments.lock import Lock

        data = self._blob(self.info.lock)
        return None if data is None else Lock.from_json(data)

    def download(self, target_dir: str | Path = ".", exist_ok: bool = False) -> Path:
        """Write its file or folder, under the name that it was registered by, and return where it is.

        Parameters
        ----------
        exist_ok
            Replace files that are there; without it anything in the way is an error.

        Raises
        ------
        AlreadyExistsError
            If something is there, and `exist_ok` is not set.
        DigestMismatchError
            If what is kept is damaged; the text names the file. Nothing has appeared then.
        """
        folder = Path(target_dir)
        target = folder / self.info.entry
        if target.exists() and not exist_ok:
            raise AlreadyExistsError("file or folder", str(target), "Remove it, or replace it with exist_ok=True.")
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
        try:
            materialise(self.tree, self.workspace.backend.blobs, aside)
            _move(aside / self.info.entry, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return target

    def read(self, path: str | None = None) -> bytes:
        """Return the bytes of one of its files; meant for small ones.

        Parameters
        ----------
        path
            As `tree` lists it; may be left out where there is one file.

        Raises
        ------
        NotFoundError
            If there is no such file.
        DigestMismatchError
            If what is kept is damaged; the text names the file.
        """
        files = self.tree.files
        if path is None and len(files) == 1:
            path = next(iter(files))
        if path is None or path not in files:
            raise NotFoundError(f"file in {self.info.id}", path or "", list(files))
        try:
            return self.workspace.backend.blobs.read(files[path].sha256)
        except DigestMismatchError as error:
            raise DigestMismatchError(f"{path} of {self.info.id}", error.expected, error.actual) from error

    def local_path(self) -> Path:
        """Return where its file or folder lies in this user's cache, checked now; not to be written to.

        Raises
        ------
        DigestMismatchError
            If what the workspace keeps is damaged; the text names the file.
        """
        return only_entry(cached_copy(self.tree, self.workspace.backend.blobs, self.workspace.settings.cache))

    def _blob(self, digest: str | None) -> bytes | None:
        return None if digest is None else self.workspace.backend.blobs.read(digest)


def _move(source: Path, target: Path) -> None:
    """Move a file or folder to its place; a folder that is there keeps the files that the new one has not."""
    if source.is_dir() and not source.is_symlink() and target.is_dir():
        for inside in source.iterdir():
            _move(inside, target / inside.name)
    else:
        source.replace(target)
