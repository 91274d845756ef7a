"""What can go wrong with services.

::

    ModelyardError
    ├── UnknownTargetError      no target of that name is installed
    ├── KeyFileError            a revision's file of keys cannot be used
    └── DeploymentFailedError   a revision did not become ready
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import ModelyardError, nearest


class UnknownTargetError(ModelyardError):
    """No deploy target of that name is installed."""

    code = "unknown-target"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"No deploy target is called {name!r}. Installed: {', '.join(nearest(name, known))}.")
        self.name = name
        self.known = tuple(known)


class KeyFileError(ModelyardError):
    """A file of keys, one that a revision asks for or one that is to be written, cannot be used."""

    code = "key-file"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"The file of keys {file} cannot be used: {reason}")
        self.file = file
        self.reason = reason


class DeploymentFailedError(ModelyardError):
    """A revision did not become ready; nothing of it was left behind.

    `phase` is where it failed: ``environment``, ``import``, ``init``, ``warm-up``, ``start`` or ``ready``.
    """

    code = "deployment-failed"

    def __init__(self, service: str, phase: str, message: str, trace: str = "", hint: str = "") -> None:
        parts = [f"{service} failed in the phase {phase}: {message}", trace.strip(), hint and f"Hint: {hint}"]
        super().__init__("\n".join(part for part in parts if part))
        self.service = service
        self.phase = phase
        self.message = message
        self.trace = trace
        self.hint = hint
