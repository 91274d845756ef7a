"""How two runs differ: what they were given, what they measured, their code and their environments."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from modelyard.environments.comparison import LockDifference, diff
from modelyard.environments.lock import Lock
from modelyard.sdk.run.run import Run
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Entry, Tree
from modelyard.tracking.metric import from_json
from modelyard.tracking.run import RunInfo, RunQuery

_LARGEST_TEXT = 256 << 10
"""Bytes that a file may have to be shown line by line."""
_GIVEN = ("script", "command", "timeout", "compute_target")


class Change(Struct, frozen=True, kw_only=True):
    """Something of a name, in the first run and in the second; None where a run has nothing of that name."""

    name: str
    before: Any
    after: Any

    @property
    def difference(self) -> float | None:
        """The second minus the first, where both are numbers."""
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (self.before, self.after)):
            return float(self.after - self.before)
        return None


class FileChange(Struct, frozen=True, kw_only=True):
    """A file of the code: its sha256 in the first snapshot and in the second (None where it is not there).

    `diff` is the change of a small text file in the unified form, empty where it was not asked for.
    """

    path: str
    before: str | None
    after: str | None
    diff: str = ""


class Comparison(Struct, frozen=True, kw_only=True):
    """How the second of two runs differs from the first.

    `metrics` holds all that either run measured, the last value of each; of the rest only what differs is listed.
    `code` and `environment` are None where it is not known for both runs.
    """

    runs: tuple[str, str]
    given: tuple[Change, ...]
    parameters: tuple[Change, ...]
    metrics: tuple[Change, ...]
    tags: tuple[Change, ...]
    inputs: tuple[Change, ...]
    git: tuple[Change, ...]
    code: tuple[FileChange, ...] | None
    environment: LockDifference | None


def compare(first: Run, second: Run, *, text: bool = False) -> Comparison:
    """Compare two runs, of one workspace or of two.

    Parameters
    ----------
    text
        Show the changes of small text files of the code line by line.
    """
    before, after = _info(first), _info(second)
    return Comparison(
        runs=(first.id, second.id),
        given=_changes(_given(before), _given(after)),
        parameters=_changes(before.parameters, after.parameters),
        metrics=_pairs(from_json(before.metrics), from_json(after.metrics)),
        tags=_changes(before.tags, after.tags),
        inputs=_changes(_inputs(before), _inputs(after)),
        git=_changes(before.details.get("git") or {}, after.details.get("git") or {}),
        code=_code(first, second, text=text),
        environment=_environment(first, second),
    )


def _info(run: Run) -> RunInfo:
    return run.backend.runs.list(RunQuery(ids=(run.id,), metrics=True)).items[0]


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    names = sorted({*before, *after})
    return tuple(Change(name=name, before=before.get(name), after=after.get(name)) for name in names)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(change for change in _pairs(before, after) if change.before != change.after)


def _given(info: RunInfo) -> dict[str, Any]:
    """Name what a script was given: ``--lr 0.1`` and ``--lr=0.1`` are called ``--lr``, the others are counted."""
    named: dict[str, Any] = {name: info.details[name] for name in _GIVEN if info.details.get(name) is not None}
    words = [str(word) for word in info.details.get("arguments") or ()]
    option = ""
    for number, word in enumerate(words, 1):
        if word.startswith("--"):
            option, _, value = word.partition("=")
            named[option] = value
            option = "" if "=" in word else option
        elif option:
            named[option] = f"{named[option]} {word}".strip()
        else:
            named[f"argument {number}"] = word
    return named


def _inputs(info: RunInfo) -> dict[str, str]:
    given = {role.partition(":"): digest for role, digest in info.digests.items()}
    return {name: digest for (role, _, name), digest in given.items() if role == "input"}


def _code(first: Run, second: Run, *, text: bool) -> tuple[FileChange, ...] | None:
    trees = [_tree(run) for run in (first, second)]
    if trees[0] is None or trees[1] is None:
        return None
    before, after = ({entry.path: entry for entry in tree.entries} for tree in trees if tree is not None)
    blobs = (first.backend.blobs, second.backend.blobs)
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    return tuple(_file(path, (before.get(path), after.get(path)), blobs if text else None) for path in changed)


def _tree(run: Run) -> Tree | None:
    digest = run.info.digests.get("snapshot")
    return None if digest is None else run.backend.trees.get(digest)


def _file(path: str, entries: tuple[Entry | None, Entry | None], blobs: tuple[Blobs, Blobs] | None) -> FileChange:
    before, after = entries
    return FileChange(
        path=path,
        before=_content(before),
        after=_content(after),
        diff="" if blobs is None else _unified(path, _lines(before, blobs[0]), _lines(after, blobs[1])),
    )


def _content(entry: Entry | None) -> str | None:
    return None if entry is None else entry.sha256 or entry.target or entry.kind


def _lines(entry: Entry | None, blobs: Blobs) -> list[str] | None:
    """Read a file's lines; none of one that is not there, None for what is no small text file."""
    if entry is None:
        return []
    if entry.kind != "file" or entry.size > _LARGEST_TEXT:
        return None
    try:
        return blobs.read(entry.sha256).decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None


def _unified(path: str, before: Sequence[str] | None, after: Sequence[str] | None) -> str:
    if before is None or after is None:
        return ""
    lines = difflib.unified_diff(before, after, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _environment(first: Run, second: Run) -> LockDifference | None:
    locks = [_lock(run) for run in (first, second)]
    return None if locks[0] is None or locks[1] is None else diff(locks[0], locks[1])


def _lock(run: Run) -> Lock | None:
    digest = run.info.digests.get("environment")
    return None if digest is None else Lock.from_json(run.backend.blobs.read(digest))
