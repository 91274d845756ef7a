"""What RFC 9110 (semantics) and RFC 9112 (HTTP/1.1) ask of a server, as requests and what has to come back.

Smuggling and hostile framing are in ``hostile.py``; here is what polite clients may rely on.
"""

# ruff: noqa: E501 - a rule is a line

from msgspec import Struct

ROWS = b"[[1,2,3,4]]"
SCORED = b'{"doubled":[[2.0,4.0,6.0,8.0]],"prediction":[10.0]}'
LIVE = b"GET /live HTTP/1.1\r\nHost: here\r\n"
POST = b"POST /score HTTP/1.1\r\nHost: here\r\n"
LENGTH = b"Content-Length: 11\r\n\r\n" + ROWS
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Case(Struct, frozen=True):
    """A rule.

    Parameters
    ----------
    section
        Where the rule is.
    sent
        The bytes, after which the client says that no more come.
    statuses
        Of the answers, in order; what is after an answer with ``close`` is not answered.
    headers
        What the last answer's headers have; None for a header that must not be there.
    body
        What the last answer's body is, where that matters.
    """

    section: str
    rule: str
    sent: bytes
    statuses: tuple[int, ...] = (200,)
    headers: tuple[tuple[str, str | None], ...] = ()
    body: bytes | None = None


CLOSE, KEPT = (("connection", "close"),), (("connection", None),)

CASES = [
    Case("9112 2.2", "an empty line before a request is ignored", b"\r\n" + LIVE + b"\r\n"),
    Case("9112 2.2", "so are empty lines between requests", LIVE + b"\r\n\r\n" + LIVE + b"\r\n", (200, 200)),
    Case("9112 2.3", "a later minor version, which there is not, may be refused", b"GET /live HTTP/1.9\r\nHost: h\r\n\r\n", (400,), CLOSE),
    Case("9112 2.3", "a major version that is not spoken is refused", b"GET /live HTTP/2.0\r\nHost: h\r\n\r\n", (400,)),
    Case("9112 2.3", "1.0 needs no host", b"GET /live HTTP/1.0\r\n\r\n", (200,), CLOSE),
    Case("9112 3", "more than one space in the request line may be taken", b"GET  /live HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("9112 3", "a request line that is too long is 414", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", (414,)),
    Case("9112 3", "one of 8000 bytes is taken", b"GET /live?" + b"a" * 7980 + b" HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("9112 3.2", "without host 1.1 is refused", b"GET /live HTTP/1.1\r\n\r\n", (400,)),
    Case("9112 3.2", "two hosts are refused", LIVE + b"Host: here\r\n\r\n", (400,)),
    Case("9112 3.2.1", "a path may have a query", b"GET /live?a=b&c HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("9112 3.2.1", "a query may be empty", b"GET /live? HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("9112 3.2.1", "a query may hold a question mark and a slash", b"GET /live?/?a HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("9112 3.2.4", "OPTIONS * is no crash", b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", (400,)),
    Case("9112 5", "names of headers are the same in any case", b"GET /live HTTP/1.1\r\nhOsT: h\r\n\r\n"),
    Case("9112 5", "also that of the length", POST + LENGTH.replace(b"Content-Length", b"cONTENT-lENGTH"), body=SCORED),
    Case("9112 5.1", "space before a value is no part of it", b"GET /live HTTP/1.1\r\nHost:   \t h\r\n\r\n"),
    Case("9112 5.1", "space after a value is no part of it", b"GET /live HTTP/1.1\r\nHost: h \t \r\n\r\n"),
    Case("9112 5.1", "no space is needed", b"GET /live HTTP/1.1\r\nHost:h\r\n\r\n"),
    Case("9112 5.1", "space before the colon is refused", b"GET /live HTTP/1.1\r\nHost : h\r\n\r\n", (400,)),
    Case("9112 5.2", "a folded line is refused", LIVE + b"X-A: a\r\n b\r\n\r\n", (400,)),
    Case("9110 5.5", "a value may be empty", LIVE + b"X-A:\r\n\r\n"),
    Case("9110 5.5", "a value may hold bytes beyond ASCII", LIVE + b"X-A: \xe4\xff\r\n\r\n"),
    Case("9110 5.5", "a value must not hold NUL", LIVE + b"X-A: a\0b\r\n\r\n", (400,)),
    Case("9110 5.6.2", "a name is a token", LIVE + b"!#$%&'*+-.^_`|~09Az: a\r\n\r\n"),
    Case("9110 5.6.2", "a name has no parenthesis", LIVE + b"X(A): a\r\n\r\n", (400,)),
    Case("9110 5.3", "unknown headers may come twice", LIVE + b"X-A: a\r\nX-A: b\r\n\r\n"),
    Case("9112 6.2", "a body has the length that is said", POST + LENGTH, body=SCORED),
    Case("9112 6.2", "the length may have zeros before it", POST + LENGTH.replace(b" 11", b" 0011"), body=SCORED),
    Case("9112 6.2", "a length of nothing is no body", LIVE + b"Content-Length: 0\r\n\r\n"),
    Case("9112 6.3", "without a length there is no body", POST + b"\r\n", (400,)),
    Case("9112 6.3", "GET may have a body, which is read", LIVE + b"Content-Length: 3\r\n\r\nabc" + LIVE + b"\r\n", (200, 200)),
    Case("9112 6.3", "a body cut short is refused", POST + LENGTH[:-1], (400,), CLOSE),
    Case("9112 7.1", "chunks are joined", CHUNKED + b"b\r\n" + ROWS + b"\r\n0\r\n\r\n", body=SCORED),
    Case("9112 7.1", "of any sizes", CHUNKED + b"1\r\n[\r\n9\r\n[1,2,3,4]\r\n1\r\n]\r\n0\r\n\r\n", body=SCORED),
    Case("9112 7.1", "a size may be in capitals", CHUNKED + b"B\r\n" + ROWS + b"\r\n0\r\n\r\n", body=SCORED),
    Case("9112 7.1", "a size may have zeros before it", CHUNKED + b"000b\r\n" + ROWS + b"\r\n000\r\n\r\n", body=SCORED),
    Case("9112 7.1", "the coding's name is the same in any case", CHUNKED.replace(b"chunked", b"CHUNKED") + b"b\r\n" + ROWS + b"\r\n0\r\n\r\n", body=SCORED),
    Case("9112 7.1", "no chunks are no body", CHUNKED + b"0\r\n\r\n", (400,)),
    Case("9112 7.1", "a request may follow chunks", (CHUNKED + b"b\r\n" + ROWS + b"\r\n0\r\n\r\n") * 2, (200, 200), body=SCORED),
    Case("9112 7.1.1", "extensions of a chunk are ignored", CHUNKED + b"b;a\r\n" + ROWS + b"\r\n0;b=c\r\n\r\n", body=SCORED),
    Case("9112 7.1.1", "they may be quoted", CHUNKED + b'b;a="x y"\r\n' + ROWS + b"\r\n0\r\n\r\n", body=SCORED),
    Case("9112 7.1.2", "trailers are read and ignored", CHUNKED + b"b\r\n" + ROWS + b"\r\n0\r\nX-A: b\r\n\r\n", body=SCORED),
    Case("9112 7.1.2", "a request may follow them", CHUNKED + b"b\r\n" + ROWS + b"\r\n0\r\nX-A: b\r\n\r\n" + LIVE + b"\r\n", (200, 200)),
    Case("9112 6.1", "a coding that is not known is refused", POST + b"Transfer-Encoding: br\r\n\r\n", (400,), CLOSE),
    Case("9112 6.1", "chunks and a length together are refused", POST + b"Content-Length: 11\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,), CLOSE),
    Case("9112 8", "a head cut short is refused", b"GET /live HTTP/1.1\r\nHo", (400,), CLOSE),
    Case("9112 9.3", "1.1 keeps the connection", LIVE + b"\r\n" + LIVE + b"\r\n", (200, 200), KEPT),
    Case("9112 9.3", "1.1 also when it says so", (LIVE + b"Connection: keep-alive\r\n\r\n") * 2, (200, 200)),
    Case("9112 9.3", "1.0 closes it", b"GET /live HTTP/1.0\r\n\r\n" * 2, (200,), CLOSE),
    Case("9112 9.3", "1.0 keeps it where it says so", b"GET /live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2, (200, 200), (("connection", "keep-alive"),)),
    Case("9112 9.6", "close closes it after the answer", (LIVE + b"Connection: close\r\n\r\n") * 2, (200,), CLOSE),
    Case("9112 9.6", "close is the same in any case", (LIVE + b"Connection: Close\r\n\r\n") * 2, (200,), CLOSE),
    Case("9112 9.6", "close may be one of several", (LIVE + b"Connection: foo, close\r\n\r\n") * 2, (200,), CLOSE),
    Case("9112 9.3.2", "requests may come before answers", (POST + LENGTH) * 20, (200,) * 20, body=SCORED),
    Case("9112 9.3.2", "answers are in order", POST + LENGTH + b"GET /no HTTP/1.1\r\nHost: h\r\n\r\n" + LIVE + b"\r\n", (200, 404, 200)),
    Case("9110 6.6.1", "answers have a date", LIVE + b"\r\n", headers=(("date", "GMT"),)),
    Case("9110 8.6", "answers have a length", LIVE + b"\r\n", headers=(("content-length", "17"),)),
    Case("9110 9.3.2", "HEAD has the length of GET, and no body", LIVE.replace(b"GET", b"HEAD") + b"Connection: close\r\n\r\n", (200,), (("content-length", "17"),), b""),
    Case("9110 9.1", "methods are not the same in another case", LIVE.replace(b"GET", b"get") + b"\r\n", (400,)),
    Case("9110 9.1", "a method that is not served here is 405", LIVE.replace(b"GET", b"DELETE") + b"\r\n", (405,), (("allow", "GET, HEAD"),)),
    Case("9110 15.5.6", "405 says what is allowed", b"GET /score HTTP/1.1\r\nHost: h\r\n\r\n", (405,), (("allow", "POST"),)),
    Case("9110 10.1.1", "an expectation may come with its body", POST + b"Expect: 100-continue\r\n" + LENGTH, (100, 200), body=SCORED),
    Case("9110 10.1.1", "it is the same in any case", POST + b"Expect: 100-Continue\r\n" + LENGTH, (100, 200), body=SCORED),
    Case("9110 10.1.1", "1.0 gets no 100", POST.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\n" + LENGTH, (200,), body=SCORED),
    Case("9110 10.1.1", "a request that is refused gets no 100", POST.replace(b"/score", b"/no") + b"Expect: 100-continue\r\n" + LENGTH, (404,), CLOSE),
    Case("9110 7.8", "an upgrade may be ignored", LIVE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    Case("9110 4.2.3", "a path is the same when it is percent-encoded", b"GET /%6cive HTTP/1.1\r\nHost: h\r\n\r\n", (404,)),
    Case("9110 8.3", "a type has parameters", POST + b"Content-Type: application/json; charset=UTF-8\r\n" + LENGTH, body=SCORED),
    Case("9110 8.3", "a type is the same in any case", POST + b"Content-Type: Application/JSON\r\n" + LENGTH, body=SCORED),
    Case("9110 8.3", "a type that is not read is 415", POST + b"Content-Type: image/png\r\n" + LENGTH, (415,)),
    Case("9110 8.4", "a coding that is not read is 415", POST + b"Content-Encoding: br\r\n" + LENGTH, (415,)),
    Case("9110 12.5.1", "any type may be accepted", POST + b"Accept: */*\r\n" + LENGTH, body=SCORED),
]  # fmt: skip
"""Where an answer is another than the RFC's first choice, it is one that it allows or that safety asks for."""
