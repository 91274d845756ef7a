"""Why a start failed, as JSON that a deployer can read."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from modelyard_scoring.errors import ApplicationFailedError, ScoringError, ScriptFailedError, StartError
from modelyard_scoring.tracebacks import author_dump, author_traceback, comes_from

_log = logging.getLogger(__name__)
START_FAILED = 3
"""The exit status of a server that could not start."""
STDERR = Path("-")
"""In place of a file: the record is a line of the log."""


class Failure(Struct, frozen=True, kw_only=True):
    """What went wrong, and when.

    Parameters
    ----------
    phase
        ``settings``, ``folder``, ``listen``, ``verify``, ``import``, ``init`` or ``warm-up``.
    type
        The name of the exception's class.
    traceback
        Empty where the message says all: errors that are raised on purpose.
    hint
        What to do; empty when there is nothing to say.
    exit_status
        How the process that ran the code ended, where it did; negative for a signal.
    """

    phase: str
    type: str
    message: str
    traceback: str
    hint: str
    exit_status: int | None = None

    @classmethod
    def of(cls, phase: str, error: BaseException, root: Path | None = None) -> Self:
        """Describe an exception that was raised in a phase; one that another process told is as it was there.

        Parameters
        ----------
        root
            Where the author's code is: if the exception comes from there, the other frames are folded.
        """
        told = getattr(error, "failure", None)
        if isinstance(told, cls):
            return told
        return cls(
            phase=phase,
            type=type(error).__name__,
            message=str(error),
            traceback=_told(error, root) if isinstance(error, ScoringError) else _frames(error, root),
            hint=_hint(error),
            exit_status=getattr(error, "exit_status", None),
        )

    def log(self) -> None:
        """Say in the log what went wrong."""
        extra = {"traceback": self.traceback} if self.traceback else {}
        _log.error("The start failed in the phase %s: %s", self.phase, self.message, extra=extra)

    def write(self, file: Path | None) -> None:
        """Write the record where it is wanted, wholly or not at all; an earlier record of this start stays.

        Where the log is all that can be written it is a line there, for ``-``: of several the first one counts.
        """
        if file == STDERR:
            sys.stderr.write(msgspec.json.encode(self).decode() + "\n")
            return
        if file is None or file.exists():
            return
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            temporary.write_bytes(msgspec.json.encode(self) + b"\n")
            temporary.replace(file)
        except OSError:
            _log.exception("The record of the failure could not be written.")


def _told(error: ScoringError, root: Path | None) -> str:
    """Give what an error of ours knows of where the code was: most have all in their message."""
    if isinstance(error, ApplicationFailedError) and error.__cause__ is not None:
        return _frames(error.__cause__, root)
    if isinstance(error, ScriptFailedError):
        return "".join(f"{line}\n" for line in error.facts.get("traceback", ()))
    trace = getattr(error, "trace", None) or ""
    return trace if root is None else author_dump(trace, root)


def _frames(error: BaseException, root: Path | None) -> str:
    if root is not None and comes_from(error, root):
        return author_traceback(error, root)
    return "".join(traceback.format_exception(error))


def _hint(error: BaseException) -> str:
    if isinstance(error, StartError):
        return error.hint
    if isinstance(error, ModuleNotFoundError):
        return f"Add the package that has the module {error.name!r} to the environment of the service."
    if isinstance(error, FileNotFoundError):
        return "The script looks for models under the folder in the variable AZUREML_MODEL_DIR."
    if isinstance(error, MemoryError):
        return "Give the service more memory, or fewer workers."
    if isinstance(error, SyntaxError):
        return "Correct the script; the message says where."
    return ""
