import json

import pytest

from modelyard.errors import InvalidValueError
from modelyard.tracking.charts import chart_as_json

MATRIX = {"class_labels": ["a", "b"], "matrix": [[3, 0], [1, 2]]}
WHOLE = {"schema_type": "confusion_matrix", "schema_version": "1.0.0", "data": MATRIX}


@pytest.mark.parametrize("given", [MATRIX, WHOLE, json.dumps(MATRIX), json.dumps(WHOLE)])
def test_a_confusion_matrix_is_taken_whole_or_as_its_data(given: object) -> None:
    assert chart_as_json("confusion_matrix", given) == WHOLE


@pytest.mark.parametrize(
    "data", [{}, {"class_labels": ["a"]}, {**MATRIX, "matrix": [[1, 2]]}, {**MATRIX, "matrix": [[1], [2]]}, [], "{"]
)
def test_a_confusion_matrix_that_is_none_is_refused(data: object) -> None:
    with pytest.raises(InvalidValueError, match="confusion_matrix"):
        chart_as_json("confusion_matrix", data)


def test_a_form_of_another_chart_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="schema_type"):
        chart_as_json("residuals", WHOLE)


@pytest.mark.parametrize("kind", ["accuracy_table", "residuals", "predictions"])
def test_a_chart_says_what_it_lacks(kind: str) -> None:
    with pytest.raises(InvalidValueError, match="lacks"):
        chart_as_json(kind, {"nothing": 1})  # type: ignore[arg-type]
