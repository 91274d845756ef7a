"""What is to be run: a command over a tree of code, with its inputs, in an environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import Struct

from modelyard.environments.lock import Lock
from modelyard.errors import NotFoundError

_PLACEHOLDER = re.compile(r"\$\{\{\s*(input|output)s\.([^}\s]+)\s*\}\}")


class Job(Struct, frozen=True, kw_only=True):
    """What is to be run for a run of a workspace.

    Parameters
    ----------
    workspace
        The workspace's folder, or the URL of its server.
    snapshot
        The tree of the code, which the command is run in; empty for none.
    script, command
        A Python script of the tree and what follows it, or any command; ``${{inputs.NAME}}`` and ``${{outputs.NAME}}``
        stand for the path of an input and of an output.
    inputs
        For each input its tree, and the path in it that the script gets (empty: the folder).
    outputs
        What it writes; True: a folder that is there when it starts, else only the folder around it is.
    lock
        The environment to make, None for the interpreter in `python`.
    variables
        Set in the script's environment; the same stand for paths in their values.
    timeout
        Seconds that it may run; None for as long as it takes.
    cpu, memory
        CPUs and bytes that it may use; 0 for whatever there is.
    cache
        The folder that environments are kept below; with `offline` nothing is fetched to make one.
    """

    workspace: str
    run: str
    snapshot: str
    script: str | None
    command: tuple[str, ...]
    inputs: dict[str, tuple[str, str]] = {}
    outputs: dict[str, bool | None] = {}
    lock: Lock | None = None
    python: str
    variables: dict[str, str] = {}
    timeout: float | None = None
    cpu: float = 0.0
    memory: int = 0
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

    def argv(self, python: Path, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> list[str]:
        """Put the command together for an interpreter and the paths of the inputs and outputs."""
        words = [str(python), self.script, *self.command] if self.script else list(self.command)
        return fill_in(words, inputs, outputs)


def fill_in(
    words: Iterable[str], inputs: Mapping[str, str | Path], outputs: Mapping[str, str | Path] = MappingProxyType({})
) -> list[str]:
    """Replace each ``${{inputs.NAME}}`` and ``${{outputs.NAME}}``.

    Raises
    ------
    NotFoundError
        If no input or output has that name.
    """
    paths = {"input": inputs, "output": outputs}

    def path(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if name not in paths[kind]:
            raise NotFoundError(kind, name, sorted(paths[kind]))
        return str(paths[kind][name])

    return [_PLACEHOLDER.sub(path, word) for word in words]
