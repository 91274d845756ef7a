"""Schemas say what requests and answers hold, in both dialects."""

import pytest
from jsonschema import Draft202012Validator

from modelyard_scoring.service.folder import Limits, Sample, ServedModel
from modelyard_scoring.service.schema import Schemas, sample_of
from modelyard_scoring.service.signature import Field, Signature


def model(form, *inputs, outputs=(), sample=None):
    fields = tuple(Field(**one) for one in inputs)
    signature = Signature(inputs=fields, outputs=tuple(Field(**one) for one in outputs), form=form)
    return ServedModel(name="m", version=1, path="m", engine="onnx", files={}, signature=signature, sample=sample)


PIXELS = {"name": "input", "type": "float32", "shape": (None, 64)}
AGE = {"name": "age", "type": "int8", "shape": (None, 1), "nullable": True, "categories": ("1", "2")}


@pytest.mark.parametrize("old", [True, False])
def test_an_array_has_rows_of_its_width(old):
    schema = Schemas(old=old).request(model("array", PIXELS), Limits(max_rows=7))
    rows = schema["properties"]["data"]
    assert (rows["minItems"], rows["maxItems"]) == (1, 7)
    assert (rows["items"]["minItems"], rows["items"]["maxItems"]) == (64, 64)
    assert rows["items"]["items"]["type"] == "number"


def test_a_frame_may_be_split_or_records():
    split, records = Schemas(old=False).request(model("frame", AGE), Limits())["anyOf"]
    assert split["properties"]["columns"]["items"]["enum"] == ["age"]
    record = records["properties"]["data"]["items"]
    assert record["required"] == ["age"]
    assert record["additionalProperties"] is False
    age = record["properties"]["age"]
    assert (age["type"], age["minimum"], age["maximum"]) == (["integer", "null"], -128, 127)
    assert "1, 2" in age["description"]


IDS = {"name": "ids", "type": "int64", "shape": (None, None)}
FLAG = {"name": "flag", "type": "bool", "shape": (None, 1)}


def test_tensors_may_be_by_name_or_records():
    named, records = Schemas(old=False).request(model("tensors", IDS, FLAG), Limits(max_rows=7))["anyOf"]
    tensors = named["properties"]["data"]
    assert (tensors["required"], tensors["additionalProperties"]) == (["ids", "flag"], False)
    ids = tensors["properties"]["ids"]
    assert (ids["maxItems"], ids["items"]["items"]["type"], "maxItems" in ids["items"]) == (7, "integer", False)
    record = records["properties"]["data"]["items"]["properties"]
    assert record["ids"] == ids["items"]
    assert record["flag"] == {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 1}
    assert Schemas(old=True).request(model("tensors", IDS, FLAG), Limits(max_rows=7)) == named


ROWS = [[0.5] * 64]
SPLIT = {"columns": ["age"], "data": [[1]]}


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize(
    ("form", "column", "request_"),
    [
        *(("array", PIXELS, rows) for rows in (ROWS, {"data": ROWS}, {"input_data": ROWS}, {"instances": ROWS})),
        *(("frame", AGE, rows) for rows in ([{"age": 1}], {"input_data": [{"age": 1}]}, SPLIT, {"input_data": SPLIT})),
    ],
)
def test_the_example_is_of_the_schema_beside_it(old, form, column, request_):
    one = model(form, column, sample=Sample(request=request_, answer={"y": [1]}))
    example = sample_of(one, {})
    assert Draft202012Validator(Schemas(old=old).request(one, Limits())).is_valid(example.request), example
    assert example.answer == {"y": [1]}


def test_the_example_of_a_script_is_its_sample():
    one = ServedModel(name="m", version=1, path="m", engine="script", files={}, sample=Sample(request=[5], answer=1))
    assert sample_of(one, {}) == one.sample


@pytest.mark.parametrize(
    ("request_", "key"), [({"columns": ["age"], "data": [[1]]}, "columns"), ([{"age": 1}], "data")]
)
def test_swagger_describes_a_frame_in_the_form_of_its_sample(request_, key):
    sample = Sample(request=request_, answer={})
    schema = Schemas(old=True).request(model("frame", AGE, sample=sample), Limits())
    assert schema["required"][0] == key


def test_swagger_says_nullable_in_its_own_way():
    schema = Schemas(old=True).request(model("frame", AGE), Limits())
    age = schema["properties"]["data"]["items"]["properties"]["age"]
    assert (age["type"], age["x-nullable"]) == ("integer", True)


def test_answers_may_hold_null_where_numbers_are_not_finite():
    outputs = (
        {"name": "label", "type": "string", "shape": (None,)},
        {"name": "p", "type": "float32", "shape": (None, 3)},
    )
    schema = Schemas(old=False).answer(model("array", PIXELS, outputs=outputs))
    assert schema["required"] == ["label", "p"]
    assert schema["properties"]["label"]["items"] == {"type": "string"}
    assert schema["properties"]["p"]["items"]["items"] == {"type": ["number", "null"]}
