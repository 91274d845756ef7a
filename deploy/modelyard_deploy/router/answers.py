"""What the router answers by itself, in the form of the scoring server's errors.

The scoring server writes ``{"code", "text", "request_id"}``, and for paths of the Open Inference Protocol the text
under ``error`` too.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from msgspec import Struct

from modelyard_deploy.router.document import Json, set_header
from modelyard_deploy.router.naming import REVISION_HEADER

_PROTOCOL = "/v2"
_AGAIN = set_header("retry-after", "1")


class _Reply(Struct, frozen=True):
    """When (flags of Envoy, or a status), and with what."""

    when: Json
    status: int
    code: str
    text: str
    headers: tuple[Json, ...] = ()


def _flags(*flags: str) -> Json:
    return {"response_flag_filter": {"flags": list(flags)}}


def _status(status: int) -> Json:
    value = {"default_value": status, "runtime_key": "router.none"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _replies() -> tuple[_Reply, ...]:
    sent = "Send the header 'Authorization: Bearer KEY' or 'x-api-key: KEY'."
    no_key = f"The key is missing, or is not one of this service. {sent}"
    challenge = set_header("www-authenticate", 'Bearer realm="scoring"')
    unknown = f"The service has no revision of the number in the header {REVISION_HEADER}."
    gone = "No replica of the revision answers. Try again soon."
    return (
        _Reply(_flags("UO"), 503, "queue-full", "As many requests are waiting as may. Try again soon.", (_AGAIN,)),
        _Reply(_flags("UT"), 504, "deadline", "The answer was not ready in time."),
        _Reply(_flags("UH", "UF", "UC", "UR", "URX", "LH", "LR", "NC"), 503, "no-replica", gone, (_AGAIN,)),
        _Reply(_status(401), 401, "wrong-key", no_key, (challenge,)),
        _Reply(_status(404), 404, "unknown-revision", unknown),
        _Reply(_status(408), 408, "slow-request", "The request did not arrive in time."),
        _Reply(
            _status(413),
            413,
            "body-too-large",
            "The body is larger than this service takes; send fewer rows at a time.",
        ),
        _Reply(_status(431), 431, "headers-too-large", "The headers are too many or too long."),
    )


def local_replies() -> Json:
    """Make the part of a listener that says how the router's own answers look."""
    return {
        "mappers": [_mapper(reply, inference=inference) for reply, inference in product(_replies(), (True, False))],
        "body_format": _form("refused", "The request cannot be answered: %LOCAL_REPLY_BODY%", inference=False),
    }


def _mapper(reply: _Reply, *, inference: bool) -> Json:
    return {
        "filter": _and(reply.when, _inference()) if inference else reply.when,
        "status_code": reply.status,
        "headers_to_add": list(reply.headers),
        "body_format_override": _form(reply.code, reply.text, inference=inference),
    }


def _and(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _inference() -> Json:
    return {"header_filter": {"header": {"name": ":path", "string_match": {"prefix": _PROTOCOL}}}}


def _form(code: str, text: str, *, inference: bool) -> Json:
    fields: dict[str, Any] = {"code": code, "text": text, "request_id": "%REQ(X-REQUEST-ID)%"}
    return {"json_format": {**fields, "error": text} if inference else fields, "content_type": "application/json"}
