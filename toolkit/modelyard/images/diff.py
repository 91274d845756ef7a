"""How two images differ: leaf by leaf, with what trees and locks hold unfolded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from modelyard.environments.lock import Lock
from modelyard.images.spec import ImageSpec
from modelyard.store.blobs import Blobs
from modelyard.store.trees import Trees


class Difference(Struct, frozen=True, kw_only=True):
    """One leaf that differs; None where an image has no such leaf.

    `leaf` is the path to it, such as ``resources.memory``, ``code.files[score.py]`` or
    ``linux/amd64.packages[numpy]``.
    """

    leaf: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.leaf}: {_short(self.before)} -> {_short(self.after)}"


def differences(before: ImageSpec, after: ImageSpec, trees: Trees, blobs: Blobs) -> tuple[Difference, ...]:
    """Compare two specifications; what the store has to be asked for is asked for only where digests differ."""
    old, new = (
        dict(_leaves(_unfolded(spec, other, trees, blobs))) for spec, other in ((before, after), (after, before))
    )
    return tuple(
        Difference(leaf=leaf, before=old.get(leaf), after=new.get(leaf))
        for leaf in sorted(old.keys() | new.keys())
        if old.get(leaf) != new.get(leaf)
    )


def _unfolded(spec: ImageSpec, other: ImageSpec, trees: Trees, blobs: Blobs) -> dict[str, Any]:
    """Write a specification as names and values, the trees and locks that the other has not as what they hold."""
    known = {*other.blobs}
    document: dict[str, Any] = msgspec.to_builtins(spec)
    document["models"] = {model.name: _with_files(msgspec.to_builtins(model), known, trees) for model in spec.models}
    if spec.code is not None:
        document["code"] = _with_files(document["code"], known, trees)
    document["server"] = _with_files({"tree": spec.server}, known, trees)
    document["variables"] = {variable.name: variable.value for variable in spec.variables}
    for part in spec.parts:
        document[part.platform] = {"base": part.base, **_packages(part.lock, known, blobs)}
    del document["parts"]
    return document


def _with_files(owner: dict[str, Any], known: set[str], trees: Trees) -> dict[str, Any]:
    if owner["tree"] in known:
        return owner
    files = {path: f"{entry.sha256[:12]}, {entry.size} bytes" for path, entry in trees.get(owner["tree"]).files.items()}
    return {**owner, "files": files}


def _packages(digest: str, known: set[str], blobs: Blobs) -> dict[str, Any]:
    if digest in known:
        return {"lock": digest}
    lock = Lock.from_json(blobs.read(digest))
    return {"lock": digest, "python": lock.python, "packages": {p.name: p.version for p in lock.packages}}


def _leaves(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    listing = prefix.rpartition(".")[2] in ("files", "packages", "models", "variables")
    for name, value in document.items():
        at = f"{prefix}[{name}]" if listing else f"{prefix}.{name}".lstrip(".")
        if isinstance(value, Mapping):
            yield from _leaves(value, at)
        else:
            yield at, value


def _short(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."
