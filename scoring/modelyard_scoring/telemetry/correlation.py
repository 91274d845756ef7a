"""What a client calls its request, so that it can be found again in the logs and traces of others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
NAMES: Final = frozenset([b"x-ms-request-id", b"x-ms-client-request-id", b"traceparent"])
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Trace(Struct, frozen=True):
    """Where in a trace the client is: ``traceparent`` of W3C Trace Context.

    Parameters
    ----------
    trace_id
        32 hexadecimal digits.
    parent_id
        The client's span, 16 hexadecimal digits.
    flags
        Two hexadecimal digits; the lowest bit says that the client records.
    """

    trace_id: str
    parent_id: str
    flags: str

    @classmethod
    def find(cls, header: bytes | None) -> Trace | None:
        """Read a header ``traceparent``; None where there is none that is valid, as the standard asks.

        Of versions to come only what version 00 has is read.
        """
        match = None if header is None else _TRACEPARENT.fullmatch(header)
        if match is None:
            return None
        version, trace_id, parent_id, flags, rest = match.groups()
        if version == b"ff" or (version == b"00" and rest) or not int(trace_id, 16) or not int(parent_id, 16):
            return None
        return cls(trace_id.decode(), parent_id.decode(), flags.decode())

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags}"


class Correlation(Struct, frozen=True, kw_only=True):
    """What a request carries beside ``x-request-id``.

    Parameters
    ----------
    ms_request_id
        What is given back as ``x-ms-request-id``; empty where that is the id of the request.
    lines
        The header lines that give the rest of it back.
    facts
        The same for the log: the inside of a JSON object, after a comma.
    """

    ms_request_id: bytes
    lines: bytes
    facts: bytes
    trace: Trace | None

    @classmethod
    def of(cls, headers: Mapping[bytes, bytes]) -> Correlation:
        """Read the ids of a request; those of another form are as if they were not there.

        ``x-ms-request-id`` and ``x-ms-client-request-id`` are given back as azureml-inference-server-http does:
        the first stands for the second where that is missing, and the other way round.
        """
        given, client = (_id(headers.get(name)) for name in (b"x-ms-request-id", b"x-ms-client-request-id"))
        trace = Trace.find(headers.get(b"traceparent"))
        lines = facts = b""
        if given or client:
            given, client = given or client, client or given
            lines = b"x-ms-client-request-id: %b\r\n" % client
            facts = b',"client_request_id":"%b"' % client
        if trace is not None:
            lines += b"traceparent: %b\r\n" % str(trace).encode()
            facts += b',"trace_id":"%b"' % trace.trace_id.encode()
        return cls(ms_request_id=given, lines=lines, facts=facts, trace=trace)


def _id(header: bytes | None) -> bytes:
    return header if header is not None and REQUEST_ID.fullmatch(header) else b""
