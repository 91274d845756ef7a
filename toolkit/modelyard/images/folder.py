"""The model folder of an image: what is written where the scoring server reads it.

``docs/reference/model-folder.md`` specifies the folder; it is the one thing that the two sides share.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from modelyard.images.spec import ImageCode, ImageModel, ImageSpec
from modelyard.models.placement import cached_copy
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Tree, materialise
from modelyard.store.trees import Trees

FORMAT = 1
CODE = "code"
DOCUMENT = "service.json"


class ModelFolder:
    """What an image serves, ready to be written.

    Raises
    ------
    MissingBlobError
        If the store lacks something of it.
    DigestMismatchError
        If a listing of files in the store is damaged.
    """

    def __init__(self, spec: ImageSpec, trees: Trees, blobs: Blobs) -> None:
        self._blobs = blobs
        self._server = trees.get(spec.server)
        self.models: dict[str, Tree] = {place(model): trees.get(model.tree) for model in spec.models}
        self.code: Tree | None = None if spec.code is None else trees.get(spec.code.tree)
        self.document: dict[str, Any] = {
            "format": FORMAT,
            "name": spec.name,
            "models": [self._model(model) for model in spec.models],
            "code": None if spec.code is None else self._code(spec.code),
            "accelerator": spec.resources.accelerator,
            "limits": spec.limits,
        }

    @property
    def encoded(self) -> bytes:
        """The bytes of ``service.json``."""
        return msgspec.json.format(msgspec.json.encode(self.document, order="sorted")) + b"\n"

    def write(self, folder: Path) -> None:
        """Write the folder, every file's digest checked.

        Raises
        ------
        DigestMismatchError
            If a blob is damaged; the text names the file.
        """
        for at, tree in self.models.items():
            materialise(tree, self._blobs, folder / at)
        if self.code is not None:
            materialise(self.code, self._blobs, folder / CODE)
        (folder / DOCUMENT).write_bytes(self.encoded)

    def server(self, cache: Path) -> Path:
        """Return a folder below `cache` that holds the image's scoring server and nothing else, made if need be.

        Raises
        ------
        DigestMismatchError
            If a blob is damaged; the text names the file.
        """
        return cached_copy(self._server, self._blobs, cache)

    def _model(self, model: ImageModel) -> dict[str, Any]:
        at = place(model)
        return {
            "name": model.name,
            "version": model.version,
            "path": at,
            "engine": model.engine,
            "file": model.file or None,
            "files": {path: entry.sha256 for path, entry in self.models[at].files.items()},
            "signature": msgspec.to_builtins(model.signature),
            "sample": self._sample(model.sample),
        }

    def _code(self, code: ImageCode) -> dict[str, Any]:
        return {
            "path": CODE,
            "entry": code.entry,
            "application": code.application or None,
            "interface": code.interface or None,
            "concurrency": code.concurrency or None,
            "sample": self._sample(code.sample),
        }

    def _sample(self, digest: str) -> Any:
        return msgspec.json.decode(self._blobs.read(digest)) if digest else None


def place(model: ImageModel) -> str:
    """Say where a model lies in the folder."""
    return f"models/{model.name}/{model.version}"
