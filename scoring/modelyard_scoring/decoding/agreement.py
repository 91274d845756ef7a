"""What the tensors of one request have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelyard_scoring.errors import FormError

Axes = Mapping[str, Sequence[str | None]]
"""For each tensor, the names that the model gives its axes after the rows; None for one without."""


def check_agreement(axes: Axes, shapes: Mapping[str, Sequence[int]]) -> None:
    """Compare the shapes of tensors: their rows, and the sizes that have one name, such as ``sequence``.

    Raises
    ------
    FormError
        If one differs.
    """
    rows: dict[str, tuple[str, int]] = {}
    sizes: dict[str, tuple[str, int]] = {}
    for tensor, shape in shapes.items():
        _compare(rows, "", tensor, shape[0], "rows")
        for axis, size in zip(axes[tensor], shape[1:], strict=False):  # a column may have a second axis, of 1
            if axis is not None:
                _compare(sizes, axis, tensor, size, f"values along {axis!r}")


def _compare(seen: dict[str, tuple[str, int]], axis: str, tensor: str, size: int, what: str) -> None:
    first, wanted = seen.setdefault(axis, (tensor, size))
    if size != wanted:
        place = "in" if first == tensor else f"in the tensor {tensor!r}, as in"
        raise FormError(f"{wanted} {what} {place} {first!r}", str(size), tensor=tensor)
