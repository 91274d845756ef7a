"""What can go wrong with models beyond the errors that all rooms share.

::

    ModelyardError
    ├── UntrustedPickleError    a pickle would have to be run, and nobody said that it is trusted
    └── EstimatorNotReadError   a version's files hold no estimator that can be read
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class UntrustedPickleError(ModelyardError):
    """A pickle would have to be run, and nobody said that it is trusted."""

    code = "untrusted-pickle"

    def __init__(self, model: str, file: str) -> None:
        super().__init__(
            f"{file} of {model} is a pickle: reading it runs whatever code its author put there. If you trust who "
            "registered it, pass trust=True (--trust); it is read in a process of its own."
        )
        self.model = model
        self.file = file


class EstimatorNotReadError(ModelyardError):
    """A version's files hold no estimator that can be read."""

    code = "estimator-not-read"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"No estimator could be read from {model}: {reason}. It should be one file that pickle or joblib wrote, "
            "and the packages and classes that it needs have to be installed here."
        )
        self.model = model
        self.reason = reason
