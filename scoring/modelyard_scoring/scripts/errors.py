"""What can go wrong with the process of a script.

RequestError (modelyard_scoring.errors)
├── ArgumentError    a value in the body is not of the type that the script's decorators ask for
├── RelayedError     the process of the script answered with an error; its code is the one that was told
└── ScriptDiedError  the process of the script died while it ran the request
ToldError            the process of the script could not be made ready; `failure` says why
"""

from __future__ import annotations

from typing import Any

from modelyard_scoring.errors import RequestError, StartError, how_it_ended
from modelyard_scoring.failure import Failure


class ArgumentError(RequestError):
    """A value in the body is not of the type that the script's decorators ask for."""

    code = "wrong-argument"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"The argument {name!r} is not taken: {problem[:300].rstrip('.')}.", column=name)


class RelayedError(RequestError):
    """The process of the script answered with an error."""

    def __init__(self, code: str, text: str, facts: dict[str, Any]) -> None:
        super().__init__(text, **facts)
        self.code = code


class ScriptDiedError(RequestError):
    """The process of the script died while it ran the request.

    Parameters
    ----------
    status
        How it ended, negative for a signal; None where it was ended, for it had closed its sockets.
    trace
        Where the script was, as far as that is known.
    """

    code = "script-died"

    def __init__(self, status: int | None, trace: str | None = None) -> None:
        super().__init__(f"The process of the script died: {how_it_ended(status)}. The log of the service says more.")
        self.exit_status = status
        self.trace = trace


class ToldError(StartError):
    """The process of the script could not be made ready."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, failure.hint)
        self.failure = failure
