"""What can go wrong with images.

::

    ModelyardError
    └── TrialFailedError   the code of an image did not pass its trial
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class TrialFailedError(ModelyardError):
    """The code of an image did not pass its trial, so that no image was made of it.

    `phase` is where it failed: ``start``, ``folder``, ``verify``, ``import``, ``init`` or ``warm-up``.
    """

    code = "trial-failed"

    def __init__(self, image: str, phase: str, message: str, trace: str = "", hint: str = "") -> None:
        parts = [f"{image} failed its trial in the phase {phase}: {message}", trace.strip(), hint and f"Hint: {hint}"]
        super().__init__("\n".join(part for part in parts if part))
        self.image = image
        self.phase = phase
        self.message = message
        self.trace = trace
        self.hint = hint
