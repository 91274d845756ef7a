"""What is to be run: a command over a tree of code, with its inputs, in an environment."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.environments.lock import Lock
from modelyard.errors import NotFoundError

_PLACEHOLDER = re.compile(r"\$\{\{\s*inputs\.([^}\s]+)\s*\}\}")


class Job(Struct, frozen=True, kw_only=True):
    """What is to be run for a run of a workspace.

    Parameters
    ----------
    workspace
        The workspace's folder, or the URL of its server.
    snapshot
        The tree of the code, which the command is run in.
    script, command
        A Python script of the tree and what follows it, or any command; ``${{inputs.NAME}}`` stands for the path of
        an input.
    inputs
        For each input its tree, and the path in it that the script gets (empty: the folder).
    lock
        The environment to make, None for the interpreter in `python`.
    variables
        Set in the script's environment.
    timeout
        Seconds that it may run; None for as long as it takes.
    cache
        The folder that environments are kept below; with `offline` nothing is fetched to make one.
    """

    workspace: str
    run: str
    snapshot: str
    script: str | None
    command: tuple[str, ...]
    inputs: dict[str, tuple[str, str]] = {}
    lock: Lock | None = None
    python: str
    variables: dict[str, str] = {}
    timeout: float | None = None
    cache: str
    offline: bool = False

    @classmethod
    def read(cls, file: Path) -> Job:
        """Read what `write` wrote."""
        return msgspec.json.decode(file.read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        """Write it to a file that its owner alone may read: variables may hold secrets."""
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(msgspec.json.encode(self))

    def argv(self, python: Path, inputs: dict[str, Path]) -> list[str]:
        """Put the command together for an interpreter and the paths of the inputs."""
        words = [str(python), self.script, *self.command] if self.script else list(self.command)
        return fill_in(words, {name: str(path) for name, path in inputs.items()})


def fill_in(words: list[str], inputs: dict[str, str]) -> list[str]:
    """Replace each ``${{inputs.NAME}}``.

    Raises
    ------
    NotFoundError
        If no input has that name.
    """

    def path(match: re.Match[str]) -> str:
        if match[1] not in inputs:
            raise NotFoundError("input", match[1], sorted(inputs))
        return inputs[match[1]]

    return [_PLACEHOLDER.sub(path, word) for word in words]
