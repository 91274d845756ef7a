"""What can go wrong when an estimator becomes an ONNX model.

::

    ModelyardError
    └── ConversionError             any of the below
        ├── UnsupportedSampleError  the sample cannot be an input of an ONNX model
        ├── NotConvertibleError     no recipe makes a model of the estimator
        └── ConversionRefusedError  a model was made, and answers otherwise than the estimator
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import ModelyardError
from modelyard.onnx.certificate import Attempt, Certificate


class ConversionError(ModelyardError):
    """An estimator could not become an ONNX model."""

    code = "conversion"


class UnsupportedSampleError(ConversionError):
    """A sample cannot be the input of an ONNX model."""

    code = "unsupported-sample"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The sample cannot be used: {reason}. Give what the estimator takes in predict(): "
            "a NumPy array, a DataFrame of numbers and texts, or a list of texts."
        )
        self.reason = reason


class NotConvertibleError(ConversionError):
    """No recipe makes an ONNX model of the estimator."""

    code = "not-convertible"

    def __init__(self, estimator: str, attempts: Sequence[Attempt]) -> None:
        tried = "; ".join(f"{a.recipe}: {a.reason}" for a in attempts)
        super().__init__(
            f"{estimator} could not be converted to ONNX ({tried}). Register the estimator itself and serve it "
            "with an entry script instead."
        )
        self.estimator = estimator
        self.attempts = tuple(attempts)


class ConversionRefusedError(ConversionError):
    """The ONNX model answers otherwise than the estimator; the certificate says how."""

    code = "conversion-refused"

    def __init__(self, estimator: str, certificate: Certificate) -> None:
        super().__init__(
            f"{estimator} was converted, but the ONNX model does not answer as the estimator does. "
            f"{certificate.worst or 'The differences are in the certificate.'} "
            f"Differences up to {certificate.largest:.3g} (allowed: {certificate.tolerance.difference:.3g}), "
            f"{certificate.flips} labels flipped, {certificate.unanswered} rows not answered. Serve the estimator with "
            "an entry script instead, loosen the tolerance, or take the model as it is with accept=True (--accept)."
        )
        self.estimator = estimator
        self.certificate = certificate
