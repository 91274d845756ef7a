"""The OpenAPI 3.1 description of every operation, made from the declarations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from modelyard import __version__
from modelyard.operation import Argument, Operation, operations

_JSON = "application/json"
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}
_REF = "#/components/schemas/{name}"


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong: a stable code, a text for people, and the facts that the text was made from."""

    code: str
    text: str
    facts: dict[str, Any]


def describe(rooms: Iterable[type], prefix: str) -> dict[str, Any]:
    """Describe the operations that `rooms` declare, below the path `prefix`, and the blobs beside them."""
    declared = [(room.__name__, one) for room in rooms for one in operations(room)]
    schemas, components = _schemas([one for _, one in declared])
    paths: dict[str, dict[str, Any]] = {}
    for room, one in declared:
        paths.setdefault(prefix + one.path, {})[one.method.lower()] = _operation(room, one, schemas)
    for path, methods in _blobs().items():
        paths[prefix + path] = methods
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelyard", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _schemas(declared: list[Operation]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Make the schema of every type, and the components that those refer to."""
    types: list[Any] = [ErrorAnswer]
    for one in declared:
        types += [one.result, *(argument.type for argument in one.arguments)]
    made, components = msgspec.json.schema_components(types, ref_template=_REF)
    return dict(zip(types, made, strict=True)), components


def _operation(room: str, one: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{room}.{one.name}",
        "tags": [room],
        "summary": one.summary,
        "description": f"Needs the role {one.role}.",
        "parameters": [*_parameters(one, schemas)],
        "responses": _responses(one, schemas),
    }
    if one.body is not None:
        described["requestBody"] = {"required": True, "content": {_JSON: {"schema": schemas[one.body.type]}}}
    return described


def _parameters(one: Operation, schemas: dict[Any, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for argument in one.in_path:
        yield {"name": argument.name, "in": "path", "required": True, "schema": schemas[argument.type]}
    if one.query is not None:
        yield from _query(one.query)
    if one.method != "GET":
        text = "The same key has one effect and one answer, however often the request is sent."
        schema = {"type": "string", "maxLength": 64}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "description": text, "schema": schema}


def _query(query: Argument) -> Iterator[dict[str, Any]]:
    for field in msgspec.structs.fields(query.type):
        (schema,), _ = msgspec.json.schema_components([field.type], ref_template=_REF)
        yield {"name": field.encode_name, "in": "query", "required": field.required, "schema": schema}


def _responses(one: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if one.result is type(None):
        done: dict[str, Any] = {"204": {"description": "Done."}}
    else:
        done = {"200": {"description": "Done.", "content": {_JSON: {"schema": schemas[one.result]}}}}
    return done | _failure()


def _failure() -> dict[str, Any]:
    reference = {"$ref": _REF.format(name=ErrorAnswer.__name__)}
    return {"default": {"description": "It failed.", "content": {_JSON: {"schema": reference}}}}


def _blobs() -> dict[str, dict[str, Any]]:
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    which = [{"name": "sha256", "in": "path", "required": True, "schema": digest}]
    digests = {"type": "array", "items": digest}
    arrived = _json({"type": "object", "properties": {"arrived": {"type": "integer"}}, "required": ["arrived"]})

    def method(name: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
        described = {"operationId": f"Blobs.{name}", "tags": ["Blobs"], "summary": summary}
        return described | {"responses": responses | _failure()} | more

    body = {"required": True, "content": {_JSON: {"schema": digests}}}
    return {
        "/blobs/missing": {
            "post": method("missing", "Say which blobs are not kept.", {"200": _json(digests)}, requestBody=body)
        },
        "/blobs/{sha256}/arrived": {
            "get": method("arrived", "Say how much has arrived.", {"200": arrived}, parameters=which)
        },
        "/blobs/{sha256}": {
            "get": method("give", "Send a blob, or a range.", {"200": _whole(), "206": _whole()}, parameters=which),
            "put": method(
                "take",
                "Add a range to an upload; Content-Range: bytes START-END/TOTAL.",
                {"201": arrived, "202": arrived},
                parameters=which,
                requestBody={"required": True, "content": _BYTES},
            ),
        },
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "Done.", "content": {_JSON: {"schema": schema}}}


def _whole() -> dict[str, Any]:
    return {"description": "Bytes.", "content": _BYTES}
