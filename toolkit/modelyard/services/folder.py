"""The model folder of a revision: what is written where the scoring server reads it.

``docs/reference/model-folder.md`` specifies the folder; it is the one thing that the two sides share.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelyard.models.model import ModelVersion
from modelyard.models.signature import Sample
from modelyard.services.errors import NotServableError
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Tree, materialise
from modelyard.store.trees import Trees

FORMAT = 1


class ModelFolder:
    """What a service serves, ready to be written.

    Parameters
    ----------
    service
        The name under which it is served.
    versions
        At least one; each model's name once.

    Raises
    ------
    NotServableError
        If a version holds no ONNX file, or several.
    """

    def __init__(self, service: str, versions: Sequence[ModelVersion], trees: Trees, blobs: Blobs) -> None:
        self._blobs = blobs
        self._trees = {_place(version): trees.get(version.tree) for version in versions}
        models = [self._model(version) for version in versions]
        self.document: dict[str, Any] = {"format": FORMAT, "name": service, "models": models}

    def write(self, folder: Path) -> None:
        """Write the folder, every file's digest checked.

        Raises
        ------
        DigestMismatchError
            If a blob is damaged.
        """
        for place, tree in self._trees.items():
            materialise(tree, self._blobs, folder / place)
        document = msgspec.json.format(msgspec.json.encode(self.document))
        (folder / "service.json").write_bytes(document + b"\n")

    def _model(self, version: ModelVersion) -> dict[str, Any]:
        place = _place(version)
        tree = self._trees[place]
        sample = None
        if version.sample is not None:
            sample = msgspec.json.decode(self._blobs.read(version.sample), type=Sample)
        return {
            "name": version.name,
            "version": version.version,
            "path": place,
            "engine": "onnx",
            "file": _onnx_file(version, tree),
            "files": {path: entry.sha256 for path, entry in tree.files.items()},
            "signature": msgspec.to_builtins(version.signature),
            "sample": msgspec.to_builtins(sample),
        }


def _place(version: ModelVersion) -> str:
    return f"models/{version.name}/{version.version}"


def _onnx_file(version: ModelVersion, tree: Tree) -> str:
    found = [path for path in tree.files if path.endswith(".onnx")]
    if len(found) != 1:
        holds = ", ".join(list(tree.files)[:5])
        what = "it holds no ONNX file" if not found else "it holds several ONNX files"
        raise NotServableError(version.id, f"{what} ({holds})")
    return found[0]
