"""What can go wrong with images.

::

    ModelyardError
    ├── InvalidImageError      a field of an image's specification breaks its rule
    ├── ImageConfigError       a configuration file cannot be taken
    ├── NoBaseError            an image without a base is for processes only
    ├── NotServableError       a model version cannot be served as it is
    └── TrialFailedError       the code of an image did not pass its trial
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class InvalidImageError(ModelyardError):
    """A field of an image's specification breaks its rule."""

    code = "invalid-image"

    def __init__(self, field: str, value: str, rule: str) -> None:
        shown = f" {value[:120]!r}" if value else ""
        super().__init__(f"The {field}{shown} of an image: {rule}.")
        self.field = field
        self.value = value
        self.rule = rule


class ImageConfigError(ModelyardError):
    """A configuration file cannot be taken."""

    code = "invalid-image-config"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. docs/howto/build-images.md lists what it may hold.")
        self.path = path
        self.problem = problem


class NoBaseError(ModelyardError):
    """An image without a base is for processes only."""

    code = "no-base"

    def __init__(self, image: str, platform: str) -> None:
        super().__init__(
            f"{image} was made without a base image for {platform}, for processes only. Create it with a base image, "
            "such as base_image='slim' or 'python:3.11-slim' (--base)."
        )
        self.image = image
        self.platform = platform


class NotServableError(ModelyardError):
    """A model version cannot be served as it is."""

    code = "not-servable"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"{model} cannot be served: {reason}. Convert it with Model.to_onnx or run.save_model and deploy the "
            "version that this registers, or write a scoring script for it."
        )
        self.model = model
        self.reason = reason


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
