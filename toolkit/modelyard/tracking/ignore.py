"""Which files of a source folder stay out of its snapshot.

The strongest ignore file that stands at the root is used, and only that one: ``.modelyardignore``, ``.amlignore``,
``.gitignore``. All have the syntax of gitignore (https://git-scm.com/docs/gitignore). As git does, ``.gitignore``
files further down add to the one at the root, the deeper ones winning; the other two count at the root alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

IGNORE_FILES = (".modelyardignore", ".amlignore", ".gitignore")
"""The ignore files, the strongest first."""

LEFT_OUT = frozenset({".git", ".modelyard", "__pycache__"})
"""Names that are never part of a snapshot, at any depth."""

_TRAILING_SPACES = re.compile(r"(?<!\\) +$")
_PATH_BELOW = "ps_d"
"""The group of pathspec's expressions that matches the ``/`` behind a folder that was matched, not the path itself."""


class Rule(Struct, frozen=True, kw_only=True):
    """One line of an ignore file; `leaves_out` is False where it begins with ``!``."""

    pattern: re.Pattern[str]
    leaves_out: bool
    folders_only: bool

    def matches(self, path: str, is_folder: bool) -> bool:
        """Say whether the line is about this very path, not about a folder above it."""
        if self.folders_only and not is_folder:
            return False
        match = self.pattern.search(path)
        return match is not None and not match.groupdict().get(_PATH_BELOW)


class IgnoreRules:
    """What a source folder's ignore files say; called with a path and whether it is a folder.

    It answers for one path at a time, and is asked from the root downwards: what lies in a folder that is left out
    is not looked at, so that, as in git, nothing can be brought back from there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = next((name for name in IGNORE_FILES if (root / name).is_file()), None)
        self._nested = self.file in (None, ".gitignore")
        self._read: dict[str, tuple[Rule, ...]] = {}

    def __call__(self, path: str, is_folder: bool) -> bool:
        """Say whether `path` (relative to the root, ``/`` between its parts) is left out."""
        if PurePosixPath(path).name in LEFT_OUT:
            return True
        for folder, rest in self._folders(path):
            for rule in reversed(self._rules(folder)):
                if rule.matches(rest, is_folder):
                    return rule.leaves_out
        return False

    def _folders(self, path: str) -> Iterator[tuple[str, str]]:
        """Walk from the path's own folder up to the root: the folder, and the path seen from there."""
        if self._nested:
            for parent in PurePosixPath(path).parents:
                folder = "" if str(parent) == "." else f"{parent}/"
                yield folder, path.removeprefix(folder)
        else:
            yield "", path

    def _rules(self, folder: str) -> tuple[Rule, ...]:
        if folder not in self._read:
            self._read[folder] = read_rules(self.root / folder / (self.file or ".gitignore"))
        return self._read[folder]


def read_rules(file: Path) -> tuple[Rule, ...]:
    """Read an ignore file; one that is not there has no rules, and a line that is no pattern counts for nothing."""
    if not file.is_file():
        return ()
    text = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    return tuple(rule for line in text.split("\n") if (rule := _rule(line.removesuffix("\r"))) is not None)


def _rule(line: str) -> Rule | None:
    text = _TRAILING_SPACES.sub("", line)
    try:
        pattern = GitIgnoreSpecPattern(text.removesuffix("/"))
    except ValueError:
        return None
    if pattern.include is None or pattern.regex is None:
        return None
    return Rule(pattern=pattern.regex, leaves_out=pattern.include, folders_only=text.endswith("/"))
