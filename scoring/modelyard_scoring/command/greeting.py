"""What a person at a terminal is told when a service is ready; programs read the log."""

from __future__ import annotations

import shlex

import orjson

from modelyard_scoring.service.folder import Service
from modelyard_scoring.service.scored import scored_models
from modelyard_scoring.settings import Settings

_LONGEST = 600


def greeting(settings: Settings, service: Service, port: int) -> str:
    """Say where the service is, and how to ask it."""
    scheme = "http" if settings.tls_cert_file is None else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"{scheme}://{host}:{port}"
    scored = scored_models(service)
    sample = scored[0].sample
    body = orjson.dumps(sample.request).decode() if sample is not None else ""
    data = shlex.quote(body) if 0 < len(body) <= _LONGEST else "@request.json"
    key = '-H "Authorization: Bearer $KEY" ' if settings.keyed else ""
    certificate = "--cacert CERTIFICATE " if settings.tls_cert_file is not None else ""
    metrics = f"    Metrics: {url}/metrics" if settings.admin_port is None else ""
    names = ", ".join(str(model) for model in scored)
    return (
        f"\n  {names} is ready at {url}\n\n"
        f"  curl {certificate}{key}-H 'Content-Type: application/json' -d {data} {url}/score\n\n"
        f"  In a browser: {url}/{metrics}    Stop: Ctrl-C\n\n"
    )
