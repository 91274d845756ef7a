"""Why a step runs, or need not: what differs between the keys of two of its runs, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import SequenceMatcher
from typing import Literal

from msgspec import Struct

from modelyard.environments.comparison import diff
from modelyard.environments.lock import Lock
from modelyard.errors import MissingBlobError
from modelyard.pipelines.graph import Value
from modelyard.pipelines.key import Key
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Entry, Tree

Because = Literal["same", "new", "changed", "off", "regenerate", "missing", "damaged", "old", "waits"]

_TREES = ("code", "inputs")
_NAMED = {"parameters": "parameter", "outputs": "output", "inputs": "input", "variables": "variable"}
_SHOWN = 20
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".txt")
_COUNTED = 100_000_000
"""Bytes up to which the rows of a table are counted."""
_SENTENCES: dict[Because, str] = {
    "same": "reused: nothing that counts has changed",
    "new": "runs: it has not run before",
    "changed": "runs:",
    "off": "runs: reuse is off (allow_reuse=False)",
    "regenerate": "runs: all outputs are made anew (regenerate_outputs=True)",
    "missing": "runs: what it wrote before is not there any more",
    "damaged": "runs: what it wrote before is damaged",
    "old": "runs: what it wrote before is older than it may be",
    "waits": "is decided when the steps before it have run",
}


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that is not as before: `old` and `new` are None where it was not there, or is not there now."""

    leaf: str
    old: Value | None
    new: Value | None
    text: str


class Explanation(Struct, frozen=True, kw_only=True):
    """Why a step runs, or need not.

    Parameters
    ----------
    detail
        What `because` alone does not say: the output that is missing, the age, the steps that are waited for.
    """

    step: str
    because: Because
    detail: str = ""
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        """Write a line, and one more for each difference where there are several."""
        first = " ".join([self.step, _SENTENCES[self.because]]) + (f" ({self.detail})" if self.detail else "")
        texts = [one.text for one in self.differences[:_SHOWN]]
        if len(self.differences) > _SHOWN:
            texts.append(f"and {len(self.differences) - _SHOWN} more")
        return f"{first} {texts[0]}" if len(texts) == 1 else "\n  ".join([first, *texts])


class Kept(Struct, frozen=True, kw_only=True):
    """How to see what the digests in keys stand for; each gives None for what is not kept any more.

    Parameters
    ----------
    rows
        Counts the rows of a file that is a table.
    """

    tree: Callable[[str], Tree | None]
    lock: Callable[[str], Lock | None]
    rows: Callable[[Entry], int | None] = lambda _: None


def kept_in(get_tree: Callable[[str], Tree], blobs: Blobs) -> Kept:
    """See what a workspace keeps."""

    def tree(digest: str) -> Tree | None:
        with suppress(MissingBlobError):
            return get_tree(digest)
        return None

    def lock(digest: str) -> Lock | None:
        with suppress(MissingBlobError):
            return Lock.from_json(blobs.read(digest)) if digest else None
        return None

    def rows(entry: Entry) -> int | None:
        if not entry.path.endswith(_TABLES) or entry.size > _COUNTED:
            return None
        with suppress(MissingBlobError):
            return len(blobs.read(entry.sha256).splitlines())
        return None

    return Kept(tree=tree, lock=lock, rows=rows)


def differences(old: Key, new: Key, kept: Kept) -> tuple[Difference, ...]:
    """List what is not the same in two keys, down to the files and packages that can be seen."""
    names = sorted(name for name in old.leaves.keys() | new.leaves.keys() if not name.startswith("command/"))
    changed = [name for name in names if not _same(old.leaves.get(name), new.leaves.get(name))]
    found = [one for name in changed for one in _difference(name, old.leaves.get(name), new.leaves.get(name), kept)]
    return (*_words(old, new), *found)


def _same(old: Value | None, new: Value | None) -> bool:
    return type(old) is type(new) and old == new


def _difference(leaf: str, old: Value | None, new: Value | None, kept: Kept) -> Iterator[Difference]:
    kind, _, name = leaf.partition("/")
    if isinstance(old, str) and isinstance(new, str):
        deeper: list[Difference] = []
        if kind in _TREES and not leaf.endswith("/path_on_compute"):
            deeper = list(_files(leaf, old, new, kept))
        elif kind == "environment":
            deeper = list(_packages(old, new, kept))
        if deeper:
            yield from deeper
            return
    what = f"{_NAMED[kind]} {name}" if kind in _NAMED else leaf
    yield Difference(leaf=leaf, old=old, new=new, text=f"{what} {_change(kind, old, new)}")


def _change(kind: str, old: Value | None, new: Value | None) -> str:
    hidden = kind == "variables"
    if old is None:
        return "is new" if hidden else f"is new: {_shown(new)}"
    if new is None:
        return "is gone" if hidden else f"is gone: it was {_shown(old)}"
    return "has another value" if hidden else f"was {_shown(old)}, is {_shown(new)}"


def _shown(value: Value | None) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _words(old: Key, new: Key) -> Iterator[Difference]:
    """Compare commands as a whole: a word that was put in between leaves those behind it the same."""
    before, after = _command(old), _command(new)
    for tag, a, a_end, b, b_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for at in range(max(a_end - a, b_end - b)):
            was = before[a + at] if a + at < a_end else None
            now = after[b + at] if b + at < b_end else None
            number = (b if now is not None else a) + at + 1
            text = f"argument {number} {_change('command', was, now)}"
            yield Difference(leaf=f"command/{number}", old=was, new=now, text=text)


def _command(key: Key) -> list[str]:
    count = sum(name.startswith("command/") for name in key.leaves)
    return [str(key.leaves[f"command/{number}"]) for number in range(1, count + 1)]


def _files(leaf: str, old: str, new: str, kept: Kept) -> Iterator[Difference]:
    """Compare two trees, given as `key.content` writes them."""
    trees = [kept.tree(text.partition("/")[0]) for text in (old, new)]
    if trees[0] is None or trees[1] is None:
        return
    before, after = ({entry.path: entry for entry in tree.entries} for tree in trees if tree is not None)
    for path in sorted(before.keys() | after.keys()):
        was, now = before.get(path), after.get(path)
        if was != now:
            text = f"{leaf.removeprefix('inputs/')}: {path} {_file_change(was, now, kept)}"
            yield Difference(leaf=f"{leaf}/{path}", old=_identity(was), new=_identity(now), text=text)


def _file_change(was: Entry | None, now: Entry | None, kept: Kept) -> str:
    if was is None or now is None:
        return "is gone" if now is None else "is new"
    if (was.kind, was.sha256, was.target) == (now.kind, now.sha256, now.target):
        return "is executable now" if now.executable else "is not executable any more"
    if was.kind != "file" or now.kind != "file":
        return f"was a {was.kind}, is a {now.kind}" if was.kind != now.kind else "leads elsewhere"
    rows = kept.rows(was), kept.rows(now)
    counted = "" if None in rows or rows[0] == rows[1] else f"{rows[0]:,} → {rows[1]:,} rows, "
    return f"has changed ({counted}{was.size:,} → {now.size:,} bytes)"


def _identity(entry: Entry | None) -> str | None:
    return None if entry is None else entry.sha256 or entry.target or entry.kind


def _packages(old: str, new: str, kept: Kept) -> Iterator[Difference]:
    before, after = kept.lock(old), kept.lock(new)
    if before is None or after is None:
        return
    for line in str(diff(before, after)).splitlines():
        yield Difference(leaf="environment", old=old, new=new, text=f"environment: {line}")
