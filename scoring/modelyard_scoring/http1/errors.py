"""What can be wrong with a request before anybody asks what it is about.

RequestError (modelyard_scoring.errors)
├── HttpError           the bytes are not an HTTP request that we take
├── HeadersError        there are too many headers, or they are too long
├── TargetError         the path and query are too long
├── SlowRequestError    the request did not arrive in time
├── WrongHostError      the request means to reach another host
└── ForeignOriginError  a page of another site sent the request
"""

from __future__ import annotations

from modelyard_scoring.errors import RequestError


class HttpError(RequestError):
    """The bytes are not an HTTP request that we take."""

    code = "malformed-http"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This is not an HTTP/1.1 request that can be answered: {problem}.")


class HeadersError(RequestError):
    """There are too many headers, or they are too long."""

    code = "headers-too-large"

    def __init__(self, max_count: int, max_bytes: int) -> None:
        super().__init__(f"At most {max_count} headers of {max_bytes} bytes together are taken; the request has more.")


class TargetError(RequestError):
    """The path and query are too long."""

    code = "target-too-long"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            f"The path and query have at most {max_bytes} bytes, these have more.", wanted=max_bytes, got="more"
        )


class SlowRequestError(RequestError):
    """The request did not arrive in time."""

    code = "slow-request"

    def __init__(self, part: str, timeout: float) -> None:
        super().__init__(f"The {part} of the request did not arrive within {timeout:.3g} s.")


class WrongHostError(RequestError):
    """The request means to reach another host."""

    code = "wrong-host"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This service is not called {host[:100]!r}. Call it localhost, or start it with --allowed-hosts."
        )


class ForeignOriginError(RequestError):
    """A page of another site sent the request."""

    code = "foreign-origin"

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"Pages of the origin {origin[:100]!r} may not use this service. "
            "Start it with --cors-origins to let them, or with --keys-file."
        )
