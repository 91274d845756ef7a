"""What can go wrong with compute targets.

::

    ModelyardError
    └── ComputeTargetException      a compute target is not there, or cannot be made or changed
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class ComputeTargetException(ModelyardError):  # noqa: N818 - the name that users of Azure Machine Learning catch
    """A compute target is not there, or cannot be made, changed or waited for."""

    code = "compute-target"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"Compute target {name!r}: {problem}")
        self.name = name
        self.problem = problem
