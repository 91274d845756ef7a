"""What git says of a source folder: commit, branch, remote, and whether there are changes that no commit holds.

A build server often checks out a commit without a branch, or copies the files without git; it says in variables of
the environment what it builds, and what they say wins (see `_SAID_BY`). Over them all win ``MODELYARD_GIT_COMMIT``
(the commit that the source is of), ``MODELYARD_GIT_BRANCH`` (its branch) and ``MODELYARD_GIT_REMOTE`` (the address of
its repository).
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

_TIMEOUT = 10.0
"""Seconds that one question to git may take."""

_SAID_BY = {
    # system:          commit,                 branch,                 remote
    "Modelyard": ("MODELYARD_GIT_COMMIT", "MODELYARD_GIT_BRANCH", "MODELYARD_GIT_REMOTE"),
    "GitHub": ("GITHUB_SHA", "GITHUB_REF_NAME", "GITHUB_REPOSITORY"),
    "GitLab": ("CI_COMMIT_SHA", "CI_COMMIT_REF_NAME", "CI_PROJECT_URL"),
    "Azure": ("BUILD_SOURCEVERSION", "BUILD_SOURCEBRANCH", "BUILD_REPOSITORY_URI"),
    "Jenkins": ("GIT_COMMIT", "GIT_BRANCH", "GIT_URL"),
}
_ALWAYS = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
_SET_BY_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
_REFERENCE = re.compile(r"^refs/(heads|tags)/")


class GitFacts(Struct, frozen=True, kw_only=True):
    """Where a source folder stands in git.

    `remote` is without credentials. `dirty` says whether files below the folder differ from the commit (None: git did
    not say); `diff_sha256` is the digest of that difference, so that two runs of one uncommitted state can be told.
    """

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool | None = None
    diff_sha256: str | None = None


def git_facts(folder: Path, environment: Mapping[str, str] | None = None) -> GitFacts | None:
    """Ask git about `folder`, and the variables of the environment; None if neither says anything.

    A missing git program, a folder that is no repository, one that belongs to another user, and a question that
    takes longer than 10 seconds count as no answer.
    """
    given = os.environ if environment is None else environment
    status = _ask(folder, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    remote = _said(given, 2) or _remote(folder)
    facts = GitFacts(
        commit=_said(given, 0) or _line(_ask(folder, "rev-parse", "--verify", "--quiet", "HEAD")),
        branch=_REFERENCE.sub("", _said(given, 1) or _line(_ask(folder, "symbolic-ref", "--quiet", "HEAD")) or "")
        or None,
        remote=_without_credentials(remote) if remote else None,
        dirty=None if status is None else bool(status.strip()),
        diff_sha256=_difference(folder) if status else None,
    )
    return None if facts == GitFacts() else facts


def _said(environment: Mapping[str, str], which: int) -> str | None:
    """Find what the environment says: 0 the commit, 1 the branch, 2 the remote."""
    names = [variables[which] for variables in _SAID_BY.values()]
    name = next((name for name in names if environment.get(name)), None)
    if name == "GITHUB_REPOSITORY":
        return f"{environment.get('GITHUB_SERVER_URL') or 'https://github.com'}/{environment[name]}"
    return environment[name] if name else None


def _remote(folder: Path) -> str | None:
    names = (_ask(folder, "remote") or b"").decode(errors="replace").split()
    if not names:
        return None
    return _line(_ask(folder, "remote", "get-url", "origin" if "origin" in names else names[0]))


def _without_credentials(address: str) -> str:
    """Drop name and password, and what else may hold a secret; the user of an ssh address is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if not parts.scheme or not parts.netloc:
        return address
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.scheme.endswith("ssh") and parts.username else ""
    return urlunsplit((parts.scheme, user + host, parts.path, "", ""))


def _difference(folder: Path) -> str | None:
    difference = _ask(folder, "diff", "--binary", "--no-ext-diff", "--no-textconv", "HEAD", "--", ".")
    return hashlib.sha256(difference).hexdigest() if difference else None


def _line(answer: bytes | None) -> str | None:
    return (answer or b"").decode(errors="replace").strip() or None


def _ask(folder: Path, *question: str) -> bytes | None:
    """Return what git answers; None if it does not, or not in time."""
    environment = {name: value for name, value in os.environ.items() if name not in _SET_BY_HOOKS}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        asked = subprocess.run(
            [*_ALWAYS, *question],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout if asked.returncode == 0 else None
