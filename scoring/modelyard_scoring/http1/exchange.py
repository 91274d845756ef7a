"""One request and its answer."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from modelyard_scoring import answers
from modelyard_scoring.errors import DeadlineError, RequestError

if TYPE_CHECKING:
    from modelyard_scoring.http1.protocol import Connection
    from modelyard_scoring.http1.routes import Route
    from modelyard_scoring.http1.stream import Stream
    from modelyard_scoring.queues.batch import Run
    from modelyard_scoring.telemetry.correlation import Correlation


class Exchange:
    """A request as it arrives, until it is answered.

    Attributes
    ----------
    refusal
        Why it will not be carried out; it is answered once the body has passed.
    wanted
        Whether an answer is still awaited.
    reply
        The bytes of the answer, once there are any; they wait for the answers to earlier requests.
    deadline
        When, on the loop's clock, an answer must be there.
    timeout
        The seconds from its arrival to that.
    run
        The run of a model that answered it.
    correlation
        What the client calls it beside its request id.
    stream
        What writes the answer part by part, if it is one that may come in parts.
    usual
        Whether it is what nearly all are: an HTTP/1.1 POST of uncompressed JSON on a connection that goes on, to be
        answered in JSON without further headers. It is told of heads that came before; any other may be one too.
    cors
        Whole header lines for the browser that asks, where other origins may read answers.
    """

    target = b""
    method = b""
    body: bytes | bytearray = b""
    route: Route | None = None
    refusal: RequestError | None = None
    reply: bytes | None = None
    request_id = ""
    started = 0.0
    stream: Stream | None = None
    deadline = inf
    timeout = inf
    rows = 0
    run: Run | None = None
    correlation: Correlation | None = None
    wanted = True
    keep_alive = False
    old_version = False
    usual = False
    cors = b""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.headers: dict[bytes, bytes] = {}

    def answer(self, result: answers.Answer) -> None:
        """Answer with JSON, with another reply, or with an error."""
        if isinstance(result, answers.Reply):
            self.send(result.body, kind=result.kind, status=result.status, extra=result.headers)
        elif isinstance(result, RequestError):
            body = answers.error_body(result, self.request_id, self.target)
            status = answers.STATUS[result.code]
            self.send(body, status=status, extra=answers.error_headers(result), reason=result.code)
        else:
            self.send(result)

    @property
    def content_type(self) -> bytes:
        """The type of the body, in lower case and without parameters; empty where none is given.

        Raises
        ------
        ContentTypeError
            If it names another charset than UTF-8.
        """
        return self.connection.server.content_types.of(self.headers.get(b"content-type", b""))

    @property
    def accept(self) -> bytes:
        """The types of answers that the client takes, as it says; empty for any."""
        return self.headers.get(b"accept", b"")

    def send(
        self,
        body: bytes,
        *,
        kind: bytes = answers.JSON,
        status: int = 200,
        extra: bytes = b"",
        reason: str | None = None,
    ) -> None:
        """Answer with a body; `extra` are whole header lines, `reason` is the code of an error."""
        connection = self.connection
        if not self.keep_alive:
            extra += b"connection: close\r\n"
        elif self.old_version:
            extra += b"connection: keep-alive\r\n"
        if self.cors:
            extra += self.cors
        ms_request_id = b""
        if self.correlation is not None:
            extra += self.correlation.lines
            ms_request_id = self.correlation.ms_request_id
        head = connection.server.writer.head(
            status, len(body), kind, self.request_id.encode(), extra, ms_request_id=ms_request_id
        )
        self.reply = head if self.method == b"HEAD" else head + body
        self.wanted = False
        connection.server.record(self, status, reason)
        connection.write_replies()

    def expire(self) -> None:
        """Answer that the time has passed."""
        if self.stream is None:
            self.answer(DeadlineError(self.timeout))
        else:
            self.stream.expire()
