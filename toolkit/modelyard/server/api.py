"""The HTTP form of every operation, bound from its declaration.

Operations are under ``/api/v1``. An error is JSON ``{"code", "text", "facts"}``; its status stands in `_STATUS`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, get_origin

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, RequestTimeout

from modelyard import errors
from modelyard.errors import InvalidValueError, ModelyardError
from modelyard.operation import PREFIX, Operation, operations
from modelyard.pipelines.errors import InvalidParametersError
from modelyard.runner.errors import LeaseHeldError, LeaseLostError
from modelyard.server.access import Access
from modelyard.server.errors import UnknownHostError
from modelyard.server.idempotency import Answers

_STATUS: dict[type[ModelyardError], int] = {
    InvalidParametersError: 400,
    errors.TokenError: 401,
    errors.PermissionDeniedError: 403,
    errors.NotFoundError: 404,
    errors.MissingBlobError: 404,
    errors.AlreadyExistsError: 409,
    errors.InUseError: 409,
    errors.StateError: 409,
    LeaseHeldError: 409,
    LeaseLostError: 409,
    errors.DigestMismatchError: 422,
    UnknownHostError: 421,
    errors.StorageFullError: 507,
    ModelyardError: 422,
}


def bind(app: Flask, rooms: tuple[object, ...], access: Access, answers: Answers) -> None:
    """Give `app` a route for each operation of `rooms`, and one form for every error."""
    for room in rooms:
        for declared in operations(type(room)):
            view = _view(declared, getattr(room, declared.name), access, answers)
            path = PREFIX + declared.path.replace("{", "<").replace("}", ">")
            app.add_url_rule(path, f"{type(room).__name__}.{declared.name}", view, methods=[declared.method])
    app.register_error_handler(ModelyardError, _error_answer)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(BlockingIOError, lambda _error: _http_error(RequestTimeout()))  # a stalled client
    app.after_request(_with_request_id)


def _error_answer(error: ModelyardError) -> Response:
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    body = {"code": error.code, "text": str(error), "facts": error.facts}
    return Response(msgspec.json.encode(body, enc_hook=str), status, mimetype="application/json")


def _view(declared: Operation, call: Callable[..., Any], access: Access, answers: Answers) -> Callable[..., Response]:
    body = msgspec.json.Decoder(declared.body.type) if declared.body else None

    def view(**path: str) -> Response:
        caller = access.check(declared.role)
        arguments = {a.name: _converted(a.name, path[a.name], a.type) for a in declared.in_path}
        data = b""
        if declared.body is not None and body is not None:
            data = _body()
            arguments[declared.body.name] = _decoded(body, data)
        elif declared.query is not None:
            arguments[declared.query.name] = _query(declared.query.type)
        arguments = {name: _signed(value, caller) for name, value in arguments.items()}
        if declared.method == "GET":
            return _answer(msgspec.json.encode(call(**arguments)))
        return _answer(
            answers.once(caller, data, lambda: msgspec.json.encode(call(**arguments)), synced=declared.synced)
        )

    return view


def _signed(value: Any, caller: str) -> Any:
    """Put the caller's name where a request says who acts: nobody acts under another's name."""
    named = {name: caller for name in ("who", "by") if hasattr(value, name)}
    return msgspec.structs.replace(value, **named) if named else value


def _body() -> bytes:
    data = request.get_data(cache=False)
    if request.content_length is None and len(data) == request.max_content_length:
        raise RequestEntityTooLarge  # a body in chunks is cut at the limit, without a word
    return data


def _decoded(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidValueError("request body", str(error)) from None


def _converted(name: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidValueError(name, str(error)) from None


def _query(kind: type[msgspec.Struct]) -> Any:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    if unknown := sorted(set(request.args) - set(fields)):
        raise InvalidValueError(f"parameter {unknown[0]!r}", f"there are: {', '.join(fields)}")
    given: dict[str, Any] = {}
    for name, texts in request.args.lists():
        many = get_origin(fields[name].type) in (tuple, list)
        if len(texts) > 1 and not many:
            raise InvalidValueError(f"parameter {name!r}", "it is given more than once")
        given[name] = texts if many else texts[0]
    return _converted("query", given, kind)  # type: ignore[arg-type]  # a mapping of texts


def _answer(data: bytes) -> Response:
    return Response(status=204) if data == b"null" else Response(data, mimetype="application/json")


def _http_error(error: HTTPException) -> Response:
    body = {"code": "http", "text": f"{error.code} {error.name}: {error.description}", "facts": {}}
    return Response(msgspec.json.encode(body), error.code, mimetype="application/json")


def _with_request_id(response: Response) -> Response:
    given = request.headers.get("x-request-id", "")
    response.headers["x-request-id"] = given if given.isalnum() and len(given) <= 64 else secrets.token_hex(8)
    response.headers["x-content-type-options"] = "nosniff"
    return response
