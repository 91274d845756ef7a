"""The Flask application of one workspace."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from flask import Flask, Response

from modelyard.backend.backend import ROOMS
from modelyard.operation import PREFIX
from modelyard.server.access import Access, Tokens
from modelyard.server.api import bind
from modelyard.server.blobs import BlobRoutes
from modelyard.server.hosts import guard
from modelyard.server.idempotency import Answers
from modelyard.server.openapi import describe
from modelyard.store.store import Store

LARGEST_BODY = 32 << 20
"""Bytes that the body of a request may have; a blob may have any number, since it is never held whole."""


def create_app(store: Store, hosts: Iterable[str] = ()) -> Flask:
    """Make the application that serves the workspace in `store`.

    Parameters
    ----------
    hosts
        The names that it goes by, besides those of the loopback.
    """
    app = Flask("modelyard", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    guard(app, hosts)
    access = Access(store)
    bind(app, (*(room(store) for room in ROOMS), Tokens(store)), access, Answers(store))
    BlobRoutes(store.blobs, access).bind(app, PREFIX)
    app.add_url_rule("/live", view_func=_live)
    app.add_url_rule(f"{PREFIX}/openapi.json", view_func=_openapi)
    return app


def _live() -> Response:
    return Response("ok\n", mimetype="text/plain")


def _openapi() -> Response:
    described = describe((*ROOMS, Tokens), PREFIX)
    return Response(msgspec.json.encode(described, order="deterministic"), mimetype="application/json")
