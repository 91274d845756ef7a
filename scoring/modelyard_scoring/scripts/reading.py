"""What ``run`` takes: the text of the body, arguments out of a JSON object, or the whole request."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson

from modelyard_scoring.decoding import duplicates
from modelyard_scoring.errors import FormError, MalformedError, ScriptError
from modelyard_scoring.raw import AMLRequest, is_raw
from modelyard_scoring.scripts.messages import Call, Up
from modelyard_scoring.scripts.typed import Typing, find_typing
from modelyard_scoring.scripts.werkzeug import flask_request, wants_flask

HEADERS = "request_headers"


class Reading(Protocol):
    """Makes the arguments of ``run`` out of requests."""

    up: Up

    def read(self, call: Call) -> dict[str, Any]:
        """Give the arguments of one request; raise a `RequestError` that says what is wrong with it."""
        ...


def find_reading(script: Path, run: Callable[..., Any]) -> Reading:
    """Find out what a script's ``run`` takes.

    Raises
    ------
    ScriptError
        If it takes no argument, or some that have no name.
    """
    parameters = inspect.signature(run).parameters
    if any(one.kind not in {one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD} for one in parameters.values()):
        raise ScriptError(script, "has a run() with arguments that have no name", "Declare it as run(data).")
    names = [name for name in parameters if name != HEADERS]
    if not names:
        raise ScriptError(script, "has a run() that takes no data", "Declare it as run(data).")
    headers = HEADERS in parameters
    typing = find_typing(run)
    raw = is_raw(run) or wants_flask()
    if raw and typing is not None:
        raise ScriptError(script, "has a run() with both @rawhttp and @input_schema", "Leave one out.")
    if raw:
        return _Raw(names[0], flask=not is_raw(run), headers=headers)
    if typing is not None:
        defaults = {name: parameters[name].default for name in names}
        return _Arguments(typing, defaults, headers=headers)
    return _Text(names[0], headers=headers)


class _Text:
    def __init__(self, name: str, *, headers: bool) -> None:
        self._name = name
        self._headers = headers
        self.up = Up(mode="text", headers=headers)

    def read(self, call: Call) -> dict[str, Any]:
        text = json.dumps(query_values(call.target)) if call.method == "GET" else call.body.decode()
        return {self._name: text, **_headers(call, wanted=self._headers)}


class _Arguments:
    def __init__(self, typing: Typing, defaults: Mapping[str, Any], *, headers: bool) -> None:
        self._typing = typing
        self._defaults = defaults
        self._headers = headers
        self.up = Up(mode="arguments", headers=headers, request=typing.request, answer=typing.answer)

    def read(self, call: Call) -> dict[str, Any]:
        given = query_values(call.target) if call.method == "GET" else _object(call.body)
        values = {name: given[name] for name in self._defaults if name in given}
        left_out = {name: default for name, default in self._defaults.items() if name not in given}
        for name, default in left_out.items():
            if default is inspect.Parameter.empty:
                wanted = f"an object with {', '.join(map(repr, self._defaults))}"
                raise FormError(wanted, f"none with {name!r}", column=name)
        defaults = left_out if self._typing.explicit else {}
        return {**defaults, **self._typing.convert(values), **_headers(call, wanted=self._headers)}


class _Raw:
    def __init__(self, name: str, *, flask: bool, headers: bool) -> None:
        self._name = name
        self._make = flask_request if flask else AMLRequest.of
        self._headers = headers
        self.up = Up(mode="raw")

    def read(self, call: Call) -> dict[str, Any]:
        return {self._name: self._make(call), **_headers(call, wanted=self._headers)}


def query_values(target: bytes) -> dict[str, Any]:
    """Read the query as JSON values, or texts where they are none; a name that comes twice has a list."""
    values: dict[str, list[Any]] = {}
    query = target.partition(b"?")[2].decode("latin-1")
    for name, text in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(_json_or_text(text))
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _json_or_text(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError("JSON", str(error), position=error.pos) from None
    duplicates.check(body, found)
    if not isinstance(found, dict):
        raise FormError("a JSON object with the arguments of run()", f"a {type(found).__name__}")
    return found


def _headers(call: Call, *, wanted: bool) -> dict[str, Any]:
    if not wanted:
        return {}
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
    return {HEADERS: {"-".join(word.capitalize() for word in name.split("-")): value for name, value in named.items()}}
