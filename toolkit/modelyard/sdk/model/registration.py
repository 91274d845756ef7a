"""How a model comes into the registry: from files on this machine, or from a run's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

import modelyard
from modelyard.environments.lock import Lock
from modelyard.environments.recording import lock_running
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.models.model import DatasetUse, ModelVersion, NewModelVersion
from modelyard.models.packing import Seen, keep_model, tree_below
from modelyard.models.signature import Sample, Signature
from modelyard.names import check_name, check_path
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Entry, Tree

if TYPE_CHECKING:
    from modelyard.sdk.run.run import Run

MODEL, SIGNATURE, SAMPLE, CERTIFICATE = "model.onnx", "signature.json", "sample.json", "certificate.json"
"""The files that `Run.save_model` writes."""


class Said(Struct, frozen=True, kw_only=True):
    """What is said of a model when it is registered.

    Parameters
    ----------
    datasets
        Pairs of what for and which data set.
    sample
        A `Sample`; or rows of inputs, or a pair of rows and the answer to them, which are recorded as one.
    environment
        A lock, an `Environment` or the name of a registered one; by default that of the run, or what is installed here.
    """

    tags: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] | None = None
    description: str = ""
    framework: str | None = None
    framework_version: str | None = None
    datasets: Iterable[Any] = ()
    signature: Signature | None = None
    sample: Any = None
    environment: Any = None
    run_id: str | None = None


def register_path(
    workspace: Workspace, name: str, path: str | Path, said: Said, seen: Seen | None = None
) -> ModelVersion:
    """Register a file or a folder as the next version of `name`."""
    check_name("a model", name)
    return register_tree(workspace, name, keep_model(path, workspace.backend.blobs, seen), said)


def register_saved(workspace: Workspace, name: str, path: Path, said: Said) -> ModelVersion:
    """Register a file or a folder; in a folder, what `Run.save_model` writes beside a model goes with it."""
    check_name("a model", name)
    if not all((path / kind).is_file() for kind in (MODEL, SIGNATURE)):
        return register_path(workspace, name, path, said)
    blobs = workspace.backend.blobs
    signature = msgspec.json.decode((path / SIGNATURE).read_bytes(), type=Signature)
    said = msgspec.structs.replace(said, signature=said.signature or signature, framework=said.framework or "onnx")
    found = {"sample": path / SAMPLE, "certificate": path / CERTIFICATE}
    proof = {what: blobs.put(file) for what, file in found.items() if file.is_file()}
    return register_tree(workspace, name, keep_model(path / MODEL, blobs, None), said, **proof)


def register_from_run(run: Run, name: str, path: str | None, said: Said) -> ModelVersion:
    """Register a file or a folder among a run's files; what `Run.save_model` wrote beside a model goes with it.

    Raises
    ------
    NotFoundError
        If the run has no such file or folder.
    """
    check_name("a model", name)
    path = check_path((path or "outputs/model").rstrip("/"))
    files = {file.path: file for file in run.get_files()}
    entries = [Entry(path=one.path, sha256=one.sha256, size=one.size) for one in files.values()]
    try:
        tree = tree_below(path, entries)
    except InvalidValueError:
        raise NotFoundError("file or folder of the run", path, list(files)) from None
    said = msgspec.structs.replace(said, run_id=run.id)
    beside = {kind: files.get(f"{path}/{kind}") for kind in (MODEL, SIGNATURE, SAMPLE, CERTIFICATE)}
    if not all(beside.values()):
        return register_tree(run.workspace, name, tree, said)
    blob = {kind: found.sha256 for kind, found in beside.items() if found is not None}
    signature = msgspec.json.decode(run.backend.blobs.read(blob[SIGNATURE]), type=Signature)
    said = msgspec.structs.replace(said, signature=said.signature or signature, framework=said.framework or "onnx")
    proof = {"sample": blob[SAMPLE], "certificate": blob[CERTIFICATE]}
    return register_tree(run.workspace, name, tree_below(f"{path}/{MODEL}", entries), said, **proof)


def register_tree(
    workspace: Workspace,
    name: str,
    tree: Tree,
    said: Said,
    *,
    sample: str | None = None,
    certificate: str | None = None,
) -> ModelVersion:
    """Register a tree whose files are kept; `sample` and `certificate` are digests of blobs."""
    recorded, signature = _sample(said)
    if recorded is not None:
        sample = workspace.backend.blobs.put(msgspec.json.encode(recorded))
    new = NewModelVersion(
        tree=workspace.backend.trees.create(tree).digest,
        description=said.description,
        framework=said.framework,
        framework_version=said.framework_version,
        tags=texts(said.tags),
        properties=texts(said.properties),
        datasets=dataset_uses(said.datasets),
        signature=signature,
        sample=sample,
        certificate=certificate,
        lock=_lock_blob(workspace, said),
        run_id=said.run_id,
    )
    return workspace.backend.models.register(name, new)


def texts(pairs: Mapping[str, Any] | None) -> dict[str, str]:
    """Write names and values as texts."""
    return {str(name): str(value) for name, value in (pairs or {}).items()}


def dataset_uses(given: Iterable[Any]) -> tuple[DatasetUse, ...]:
    """Read pairs of what for and which data set.

    Raises
    ------
    InvalidValueError
        If one is not a pair.
    """
    uses = []
    for one in given:
        if isinstance(one, DatasetUse):
            uses.append(one)
        elif isinstance(one, tuple | list) and len(one) == 2:
            uses.append(DatasetUse(purpose=str(one[0]), dataset=str(getattr(one[1], "id", one[1]))))
        else:
            raise InvalidValueError(f"data set {one!r}", "write pairs such as ('training data', dataset)")
    return tuple(uses)


def _sample(said: Said) -> tuple[Sample | None, Signature | None]:
    """Tell the sample to record, and the signature that it shows unless one was given."""
    if said.sample is None or isinstance(said.sample, Sample):
        return said.sample, said.signature
    if not (isinstance(said.sample, tuple) and len(said.sample) == 2):
        return None, said.signature or Signature.infer(said.sample)
    inputs, answer = said.sample
    named = answer if isinstance(answer, Mapping) else {"output": answer}
    return Sample.record(inputs, named), said.signature or Signature.infer(inputs, named)


def _lock_blob(workspace: Workspace, said: Said) -> str:
    given = said.environment
    if given is None and said.run_id is not None:
        of_run = workspace.backend.runs.get(said.run_id).digests.get("environment")
        if of_run is not None:
            return of_run
    if isinstance(given, str):
        given = modelyard.Environment.get(workspace, given)
    lock = lock_running() if given is None else given
    return workspace.backend.blobs.put((lock if isinstance(lock, Lock) else lock.lock()).to_json())
