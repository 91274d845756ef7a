"""What can go wrong with services.

::

    ModelyardError
    ├── UnknownTargetError      no target of that name is installed
    ├── KeyFileError            a revision's file of keys cannot be used
    ├── DeploymentFailedError   a revision did not become ready, or did not prove itself
    ├── UnknownGateError        no load test of that name is installed
    ├── RolloutUnderWayError    another rollout is under way
    ├── NoRolloutError          no rollout is under way
    └── NotHereError            what is asked for is only on the machine where a service runs
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
    """A revision did not become ready, or did not prove itself; nothing of it was left behind.

    `phase` is where it failed (`modelyard.services.rollout.Failure`).
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


class UnknownGateError(ModelyardError):
    """No load test of that name is installed."""

    code = "unknown-gate"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        installed = ", ".join(nearest(name, known)) or "none"
        super().__init__(
            f"No load test is called {name!r} (entry points of the group modelyard.gates). Installed: {installed}."
        )
        self.name = name
        self.known = tuple(known)


class RolloutUnderWayError(ModelyardError):
    """Another rollout of the service is under way."""

    code = "rollout-under-way"

    def __init__(self, service: str, rollout: int, revision: int) -> None:
        super().__init__(
            f"Rollout {rollout} of {service}, to revision {revision}, is under way. Wait for it (modelyard service "
            f"wait {service}), end it (modelyard service abort {service}), or have yours follow it (--queue)."
        )
        self.service = service
        self.rollout = rollout
        self.revision = revision


class NoRolloutError(ModelyardError):
    """No rollout of the service is under way."""

    code = "no-rollout"

    def __init__(self, service: str, asked: str) -> None:
        super().__init__(
            f"No rollout of {service} is under way, so there is none to {asked}. To go back to the revision before: "
            f"modelyard service rollback {service}"
        )
        self.service = service
        self.asked = asked


class NotHereError(ModelyardError):
    """What is asked for is only on the machine where a service runs."""

    code = "not-here"

    def __init__(self, what: str, service: str, machine: str) -> None:
        where = f"the machine {machine}, where it runs" if machine else "the machine where it is going to run"
        super().__init__(
            f"The {what} of the service {service} cannot be had from here, but only on {where}: ask there, with "
            "--workspace and what its runner was given, which is the folder of the workspace if the server runs it."
        )
        self.what = what
        self.service = service
        self.machine = machine
