"""JSON Schema of requests and answers, made from a signature, in the dialects of OpenAPI 3.1 and Swagger 2.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from modelyard_scoring.service.folder import Limits, Sample, ServedModel
from modelyard_scoring.service.signature import WRAPPERS, Field, Signature

Schema = dict[str, Any]
ERROR: Schema = {
    "type": "object",
    "required": ["code", "text", "request_id"],
    "properties": {
        "code": {"type": "string", "description": "A stable name of what is wrong."},
        "text": {"type": "string", "description": "What is wrong, where, and what was wanted."},
        "request_id": {"type": "string"},
        "row": {"type": "integer", "description": "The row, counted from 0."},
        "column": {"description": "The name of the column, or its position counted from 0."},
        "wanted": {"description": "What would be taken."},
        "got": {"description": "What was sent."},
    },
}


class Described(Struct, frozen=True, kw_only=True):
    """What a script says of what it takes and gives: JSON Schema with an ``example``, or None."""

    request: Schema | None = None
    answer: Schema | None = None


Told = Mapping[str, Described]
_NOTHING = Described()


def sample_of(model: ServedModel, told: Told) -> Sample | None:
    """Give the sample of a model as its schema has it, or the examples that its script's decorators have."""
    if model.sample is not None:
        return Sample(request=_described(model, model.sample.request), answer=model.sample.answer)
    said = told.get(model.name, _NOTHING).request
    if said is None or "example" not in said:
        return None
    return Sample(request=said["example"], answer=(told[model.name].answer or {}).get("example"))


def _described(model: ServedModel, request: Any) -> Any:
    """Give a request in the form that is described, of the several that mean the same."""
    if model.signature is None:
        return request
    if isinstance(request, dict) and "columns" not in request:
        request = next((request[name] for name in WRAPPERS if name in request), request)
    is_split = model.signature.form == "frame" and isinstance(request, dict) and "columns" in request
    return request if is_split else {"data": request}


def _without_example(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name != "example"}


class Schemas:
    """Makes the schemas of one dialect.

    Parameters
    ----------
    old
        Whether for Swagger 2.0, which has neither types with null nor alternatives.
    told
        What scripts say of themselves, by the models' names.
    """

    def __init__(self, *, old: bool, told: Told | None = None) -> None:
        self._old = old
        self._told = told or {}

    def request(self, model: ServedModel, limits: Limits) -> Schema:
        """Describe the body of a request; a script without a signature takes anything."""
        if model.signature is None:
            said = self._told.get(model.name, _NOTHING).request
            return {"description": "What the script takes."} if said is None else _without_example(said)
        if model.signature.form == "array":
            return self._wrapped(self._rows(model.signature.inputs[0], limits))
        records = self._wrapped(self._records(model.signature, limits))
        if model.signature.form == "tensors":
            fields = {field.name: self._rows(field, limits) for field in model.signature.inputs}
            tensors = self._wrapped(_object(fields))
            return tensors if self._old else {"anyOf": [tensors, records]}
        split = self._split(model.signature, limits)
        if not self._old:
            return {"anyOf": [split, records]}
        request = None if model.sample is None else _described(model, model.sample.request)
        return split if isinstance(request, dict) and "columns" in request else records

    def answer(self, model: ServedModel) -> Schema:
        """Describe an answer."""
        outputs = () if model.signature is None else model.signature.outputs
        if not outputs:
            said = self._told.get(model.name, _NOTHING).answer
            return {"description": "What the model or script gives."} if said is None else _without_example(said)
        properties = {}
        for field in outputs:
            # what is not finite is answered as null
            nullable = field.nullable or field.type.startswith("float")
            value = self._value(field, nullable=nullable)
            if field.type.startswith("float"):  # the shortest text of the largest float is a larger number
                value = {name: fact for name, fact in value.items() if name not in {"minimum", "maximum"}}
            item = self._nested(value, field.shape[1:])
            properties[field.name] = {"type": "array", "items": item}
        return {"type": "object", "required": list(properties), "properties": properties}

    def _wrapped(self, rows: Schema) -> Schema:
        return {"type": "object", "required": ["data"], "properties": {"data": rows}}

    def _rows(self, field: Field, limits: Limits) -> Schema:
        row = self._row(field, field.shape[1:])
        return {"type": "array", "minItems": 1, "maxItems": limits.max_rows, "items": row}

    def _records(self, signature: Signature, limits: Limits) -> Schema:
        is_frame = signature.form == "frame"  # whose values are single, also where the model takes rows of one
        fields = {field.name: self._row(field, () if is_frame else field.shape[1:]) for field in signature.inputs}
        return {"type": "array", "minItems": 1, "maxItems": limits.max_rows, "items": _object(fields)}

    def _row(self, field: Field, sizes: tuple[int | None, ...]) -> Schema:
        return self._nested(self._value(field, nullable=field.nullable), sizes)

    def _split(self, signature: Signature, limits: Limits) -> Schema:
        names = [field.name for field in signature.inputs]
        count = len(names)
        name = {"type": "string", "enum": names}
        columns = {"type": "array", "items": name, "minItems": count, "maxItems": count, "uniqueItems": True}
        row = {"type": "array", "items": {}, "minItems": count, "maxItems": count}
        data = {"type": "array", "items": row, "minItems": 1, "maxItems": limits.max_rows}
        return {
            "type": "object",
            "required": ["columns", "data"],
            "properties": {"columns": columns, "data": data},
        }

    def _nested(self, value: Schema, sizes: tuple[int | None, ...]) -> Schema:
        for size in reversed(sizes):
            value = {"type": "array", "items": value}
            if size is not None:
                value |= {"minItems": size, "maxItems": size}
        return value

    def _value(self, field: Field, *, nullable: bool) -> Schema:
        value = _plain_value(field)
        if field.categories is not None:
            value["description"] = "Known when the model was made: " + ", ".join(field.categories[:50])
        if nullable and self._old:
            value["x-nullable"] = True
        elif nullable:
            value["type"] = [value["type"], "null"]
        return value


def _object(properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}


def _plain_value(field: Field) -> Schema:
    if field.type in {"bool", "string"}:
        return {"type": {"bool": "boolean", "string": "string"}[field.type]}
    if field.type == "datetime":
        return {"type": "string", "format": "date-time"}
    if field.type == "float64":
        return {"type": "number"}
    if field.type.startswith("float"):
        top = float(np.finfo(field.type).max)
        return {"type": "number", "minimum": -top, "maximum": top}
    info = np.iinfo(field.type)
    return {"type": "integer", "minimum": int(info.min), "maximum": int(info.max)}
