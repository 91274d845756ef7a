"""Requests as Flask has them, for scripts that import the classes of Azure's own server, which are Flask's."""

from __future__ import annotations

import io
import sys
from typing import Any

from modelyard_scoring.scripts.messages import Call

_MARKED = "azureml_inference_server_http.api.aml_request"


def wants_flask() -> bool:
    """Tell whether the script has decorated its ``run`` with the ``rawhttp`` of Azure's server."""
    return bool(getattr(sys.modules.get(_MARKED), "_rawHttpRequested", False))


def flask_request(call: Call) -> Any:
    """Make the request that such a script takes."""
    from flask import Request

    path, _, query = call.target.partition(b"?")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
    host, _, port = headers.get("host", "localhost").partition(":")
    environ = {
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(call.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(call.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    return Request(environ | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()})
