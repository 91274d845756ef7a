"""``/openapi.json`` (OpenAPI 3.1) and ``/swagger.json`` (Swagger 2.0), with the samples as examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard_scoring.engines.tabular import answer_types, request_types
from modelyard_scoring.service.folder import ServedModel, Service
from modelyard_scoring.service.schema import ERROR, Schemas, Told, sample_of

Document = dict[str, Any]
_KEY: Document = {"type": "apiKey", "in": "header", "name": "x-api-key"}
_REFUSALS = {
    "400": "The body is not one that the model takes; the text says which row and column, what was wanted and got.",
    "401": "The key is missing or wrong.",
    "406": "The answer cannot be given in a form that the header Accept takes.",
    "413": "The body is too large, or has too many rows.",
    "415": "The body is in a format that is not taken.",
    "500": "The model failed.",
    "503": "The service is not ready, or too many requests are waiting; see the header Retry-After.",
    "504": "The answer was not ready in time.",
}


def openapi(service: Service, scored: Sequence[ServedModel], told: Told, *, keyed: bool) -> Document:
    """Describe the service in OpenAPI 3.1; `told` is what scripts say of themselves."""
    schemas = Schemas(old=False, told=told)
    paths = {}
    for path, model in _scored_paths(scored).items():
        sample = sample_of(model, told)
        request: Document = {"schema": schemas.request(model, service.limits)}
        answer: Document = {"schema": schemas.answer(model)}
        if sample is not None:
            request["example"] = sample.request
            answer |= {} if sample.answer is None else {"example": sample.answer}
        answers = {"application/json": answer, **_others(model, answers=True)}
        responses: Document = {"200": {"description": "The answer.", "content": answers}}
        error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        responses |= {status: {"description": text, "content": error} for status, text in _REFUSALS.items()}
        content = {"application/json": request, **_others(model, answers=False)}
        body = {"required": True, "content": content}
        paths[path] = {"post": {**_operation(path, model), "requestBody": body, "responses": responses}}
    document: Document = {
        "openapi": "3.1.0",
        "info": _info(service, scored),
        "paths": paths | _probes(),
        "components": {"schemas": {"Error": ERROR}},
    }
    if keyed:
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}, "key": _KEY}
        document["security"] = [{"bearer": []}, {"key": []}]
    return document


def swagger(service: Service, scored: Sequence[ServedModel], told: Told, *, keyed: bool) -> Document:
    """Describe the service in Swagger 2.0; `told` is what scripts say of themselves."""
    schemas = Schemas(old=True, told=told)
    paths = {}
    for path, model in _scored_paths(scored).items():
        sample = sample_of(model, told)
        request, answer = schemas.request(model, service.limits), schemas.answer(model)
        success: Document = {"description": "The answer.", "schema": answer}
        if sample is not None:
            request = {**request, "example": sample.request}
            success |= {} if sample.answer is None else {"examples": {"application/json": sample.answer}}
        error = {"$ref": "#/definitions/Error"}
        responses = {status: {"description": text, "schema": error} for status, text in _REFUSALS.items()}
        body = {"name": "body", "in": "body", "required": True, "schema": request}
        forms: Document = {
            "consumes": ["application/json", *_others(model, answers=False)],
            "produces": ["application/json", *_others(model, answers=True)],
        }
        post = {**_operation(path, model), **forms, "parameters": [body], "responses": {"200": success, **responses}}
        paths[path] = {"post": post}
    document: Document = {
        "swagger": "2.0",
        "info": _info(service, scored),
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": paths | _probes(),
        "definitions": {"Error": ERROR},
    }
    if keyed:
        bearer = {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Bearer KEY"}
        document["securityDefinitions"] = {"bearer": bearer, "key": _KEY}
        document["security"] = [{"bearer": []}, {"key": []}]
    return document


def _others(model: ServedModel, *, answers: bool) -> dict[str, Document]:
    """List the forms beside JSON that an ONNX model takes or gives, with what there is to say of them."""
    if model.engine != "onnx" or model.signature is None:
        return {}
    outputs = [field.name for field in model.signature.outputs]
    kinds = answer_types(outputs) if answers else request_types()
    return {kind: {} for kind in kinds[1:]}


def _scored_paths(scored: Sequence[ServedModel]) -> dict[str, ServedModel]:
    return {"/score": scored[0], **{f"/score/{model.name}": model for model in scored}}


def _operation(path: str, model: ServedModel) -> Document:
    name = path.strip("/").replace("/", "_")
    return {"operationId": name, "summary": f"Score rows with the model {model}."}


def _info(service: Service, scored: Sequence[ServedModel]) -> Document:
    return {"title": service.name, "version": str(scored[0].version)}


def _probes() -> Document:
    ready = {"200": {"description": "It does."}, "503": {"description": "Not yet, or not any more."}}
    texts = {"/live": ("live", "Tell whether the process answers."), "/ready": ("ready", "Tell whether models do.")}
    return {
        path: {"get": {"operationId": name, "summary": text, "responses": ready, "security": []}}
        for path, (name, text) in texts.items()
    }
