"""The charts that can be logged as data: what each has to say, as the formats of Azure Machine Learning have it.

Each is ``{"schema_type": …, "schema_version": …, "data": {…}}``, documented at
https://learn.microsoft.com/python/api/azureml-core/azureml.core.run(class).
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelyard.errors import InvalidValueError
from modelyard.tracking.metric import Kind, as_json

_SAYS: dict[Kind, tuple[str, ...]] = {
    "confusion_matrix": ("class_labels", "matrix"),
    "accuracy_table": (
        "probability_tables",
        "percentile_tables",
        "probability_thresholds",
        "percentile_thresholds",
        "class_labels",
    ),
    "residuals": ("bin_edges", "bin_counts"),
    "predictions": ("bin_averages", "bin_errors", "bin_counts", "bin_edges"),
}


def chart_as_json(kind: Kind, value: Any) -> dict[str, Any]:
    """Make the JSON of a chart.

    Parameters
    ----------
    value
        The whole form, its ``data`` alone, or either as JSON text.

    Raises
    ------
    InvalidValueError
        If something that the chart needs is missing, or a confusion matrix is not square.
    """
    document = as_json(_read(kind, value))
    if not isinstance(document, dict):
        raise InvalidValueError(kind, f"give a dict with {', '.join(_SAYS[kind])}")
    if "data" not in document:
        document = {"schema_type": kind, "schema_version": "1.0.0", "data": document}
    if document.get("schema_type", kind) != kind:
        raise InvalidValueError(kind, f"its schema_type is {document['schema_type']!r}")
    data = document["data"]
    if missing := [name for name in _SAYS[kind] if not isinstance(data, dict) or name not in data]:
        raise InvalidValueError(kind, f"its data lacks {', '.join(missing)}")
    if kind == "confusion_matrix":
        _check_square(data)
    return document


def _read(kind: Kind, value: Any) -> Any:
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise InvalidValueError(kind, f"its text is not JSON: {error}") from None


def _check_square(data: dict[str, Any]) -> None:
    size, matrix = len(data["class_labels"]), data["matrix"]
    rows = [len(row) if isinstance(row, list) else -1 for row in matrix] if isinstance(matrix, list) else []
    if rows != [size] * size:
        raise InvalidValueError("confusion_matrix", f"with {size} class labels the matrix has {size} rows of {size}")
