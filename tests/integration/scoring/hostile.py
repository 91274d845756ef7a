"""Requests that try to be read in two ways, each with the statuses of its answers.

After each comes a plain ``GET /live``: where the framing is sound it is answered with 200, else nothing is answered any
more. What a body hides, ``GET /smuggled``, would be answered with 404, which no row expects.
"""

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
ROWS = b'{"data": [[1, 2, 3, 4]]}'
POST = b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
WHOLE = b"18\r\n" + ROWS + b"\r\n0\r\n\r\n"
BODY = b"\r\n" + ROWS


def get(line=b"GET /live HTTP/1.1", *headers, host=b"Host: h"):
    return b"\r\n".join([line, host, *headers]) + b"\r\n\r\n"


def chunks(*chunks):
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


REFUSED = (400,)
TAKEN = (200, 200)

REQUEST_LINES = {
    "leading space": (b" " + get(), REFUSED),
    "leading tab": (b"\t" + get(), REFUSED),
    "leading nul": (b"\0" + get(), REFUSED),
    "leading empty lines": (b"\r\n\r\n\r\n" + get(), TAKEN),
    "two spaces": (get(b"GET  /live HTTP/1.1"), TAKEN),
    "tab in place of a space": (get(b"GET\t/live HTTP/1.1"), REFUSED),
    "space after the version": (get(b"GET /live HTTP/1.1 "), REFUSED),
    "text after the version": (get(b"GET /live HTTP/1.1 x"), REFUSED),
    "lower-case protocol": (get(b"GET /live http/1.1"), REFUSED),
    "other protocol, which is answered like HTTP/1.0": (get(b"GET /live RTSP/1.0"), (200,)),
    "ice cast": (get(b"SOURCE /live ICE/1.0"), (405,)),
    "space in the version": (get(b"GET /live HTTP/ 1.1"), REFUSED),
    "comma in the version": (get(b"GET /live HTTP/1,1"), REFUSED),
    "long version": (get(b"GET /live HTTP/1.10"), REFUSED),
    "leading zero in the version": (get(b"GET /live HTTP/01.1"), REFUSED),
    "version 1.2": (get(b"GET /live HTTP/1.2"), REFUSED),
    "version 0.9": (get(b"GET /live HTTP/0.9"), REFUSED),
    "version 2.0": (get(b"GET /live HTTP/2.0"), REFUSED),
    "unknown method": (get(b"FETCH /live HTTP/1.1"), REFUSED),
    "method with a colon": (get(b"GET: /live HTTP/1.1"), REFUSED),
    "method with a nul": (get(b"GE\0T /live HTTP/1.1"), REFUSED),
    "endless method": (b"A" * 100_000, REFUSED),
    "trace": (get(b"TRACE /live HTTP/1.1"), (405, 200)),
    "nul in the target": (get(b"GET /li\0ve HTTP/1.1"), REFUSED),
    "delete character in the target": (get(b"GET /li\x7fve HTTP/1.1"), REFUSED),
    "tab in the target": (get(b"GET /li\tve HTTP/1.1"), REFUSED),
    "carriage return in the target": (get(b"GET /live\rx HTTP/1.1"), REFUSED),
    "asterisk": (get(b"GET * HTTP/1.1"), REFUSED),
    "asterisk of options": (get(b"OPTIONS * HTTP/1.1"), REFUSED),
    "absolute target": (get(b"GET http://h/live HTTP/1.1"), REFUSED),
    "absolute target of another host": (get(b"GET http://other/live HTTP/1.1"), REFUSED),
    "absolute target without scheme": (get(b"GET //h/live HTTP/1.1"), (404, 200)),
    "authority": (get(b"GET h:80 HTTP/1.1"), REFUSED),
    "authority of connect": (get(b"CONNECT h:80 HTTP/1.1"), REFUSED),
    "backslashes": (get(b"GET \\\\h\\live HTTP/1.1"), REFUSED),
    "no target": (get(b"GET  HTTP/1.1"), REFUSED),
    "parent folder": (get(b"GET /x/../live HTTP/1.1"), (404, 200)),
    "coded slash": (get(b"GET /%2flive HTTP/1.1"), (404, 200)),
    "parameters": (get(b"GET /live;a=b HTTP/1.1"), (404, 200)),
    "path that ends like a probe": (get(b"GET /score/x/live HTTP/1.1"), (404, 200)),
    "fragment": (get(b"GET /live#x HTTP/1.1"), (404, 200)),
}

HEADERS = {
    "line feeds alone": (get().replace(b"\r\n", b"\n"), REFUSED),
    "line feed alone in the head": (b"GET /live HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", REFUSED),
    "line feed alone at the end": (b"GET /live HTTP/1.1\r\nHost: h\r\n\n", REFUSED),
    "carriage returns alone": (get().replace(b"\r\n", b"\r"), REFUSED),
    "carriage return twice": (b"GET /live HTTP/1.1\r\nHost: h\r\r\n\r\n", REFUSED),
    "folded line": (get(b"GET /live HTTP/1.1", b"X: a\r\n b"), REFUSED),
    "folded line with a tab": (get(b"GET /live HTTP/1.1", b"X: a\r\n\tb"), REFUSED),
    "folded first line": (b"GET /live HTTP/1.1\r\n Host: h\r\n\r\n", REFUSED),
    "nul in a name": (get(b"GET /live HTTP/1.1", b"X\0: a"), REFUSED),
    "nul in a value": (get(b"GET /live HTTP/1.1", b"X: a\0b"), REFUSED),
    "bell in a value": (get(b"GET /live HTTP/1.1", b"X: a\x07b"), REFUSED),
    "escape in a value": (get(b"GET /live HTTP/1.1", b"X: a\x1b[31mb"), REFUSED),
    "delete character in a value": (get(b"GET /live HTTP/1.1", b"X: a\x7fb"), REFUSED),
    "tab in a value": (get(b"GET /live HTTP/1.1", b"X: a\tb"), TAKEN),
    "latin letters in a value": (get(b"GET /live HTTP/1.1", b"X: caf\xe9"), TAKEN),
    "space before the colon": (get(b"GET /live HTTP/1.1", b"X : a"), REFUSED),
    "tab before the colon": (get(b"GET /live HTTP/1.1", b"X\t: a"), REFUSED),
    "space in a name": (get(b"GET /live HTTP/1.1", b"X Y: a"), REFUSED),
    "bracket in a name": (get(b"GET /live HTTP/1.1", b"X(: a"), REFUSED),
    "letters beyond ascii in a name": (get(b"GET /live HTTP/1.1", b"X\xe9: a"), REFUSED),
    "no colon": (get(b"GET /live HTTP/1.1", b"X"), REFUSED),
    "no name": (get(b"GET /live HTTP/1.1", b": a"), REFUSED),
    "no host": (b"GET /live HTTP/1.1\r\n\r\n", REFUSED),
    "two hosts": (get(b"GET /live HTTP/1.1", b"Host: h"), REFUSED),
    "two hosts in other letters": (get(b"GET /live HTTP/1.1", b"hOsT: other"), REFUSED),
    "list of hosts": (get(b"GET /metrics HTTP/1.1", host=b"Host: h, other"), (421, 200)),
    "host with a user": (get(b"GET /metrics HTTP/1.1", host=b"Host: x@h"), (421, 200)),
    "host with a path": (get(b"GET /metrics HTTP/1.1", host=b"Host: h/x"), (421, 200)),
    "two keys": (get(b"GET /live HTTP/1.1", b"X-Api-Key: a", b"X-Api-Key: b"), REFUSED),
    "key in other letters twice": (get(b"GET /live HTTP/1.1", b"x-api-key: a", b"X-API-KEY: b"), REFUSED),
    "two content types": (POST + b"Content-Type: text/csv\r\nContent-Length: 24\r\n" + BODY, REFUSED),
    "two content codings": (
        POST + b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\nContent-Length: 24\r\n" + BODY,
        REFUSED,
    ),
}

LENGTHS = {
    f"content length {value!r}": (POST + b"Content-Length:" + value + b"\r\n" + BODY, REFUSED)
    for value in [
        b"",
        b" ",
        b" -24",
        b" +24",
        b" 0x18",
        b" 24,24",
        b" 24, 25",
        b" 24;",
        b" 2 4",
        b" 2_4",
        b" 24.0",
        b" 1e1",
        b" \x0b24",
        b" 24\x00",
        b" 24\x0c",
        b" \xef\xbc\x92\xef\xbc\x94",
        b" 18446744073709551640",
        b" 99999999999999999999999999",
        b' "24"',
        b" 24\r\n 0",
    ]
} | {
    "content length with spaces around": (POST + b"Content-Length:  \t24 \t\r\n" + BODY, TAKEN),
    "content length with zeros before": (POST + b"Content-Length: 00024\r\n" + BODY, TAKEN),
    "two lengths": (POST + b"Content-Length: 24\r\nContent-Length: 4\r\n" + BODY, REFUSED),
    "two equal lengths": (POST + b"Content-Length: 24\r\ncontent-length: 24\r\n" + BODY, REFUSED),
    "length too small, a request in the rest": (POST + b"Content-Length: 24\r\n" + BODY + SMUGGLED[4:], (200, 400)),
    "length of a get, a request in it": (
        get(b"GET /live HTTP/1.1", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED,
        TAKEN,
    ),
    "length of a head, a request in it": (
        get(b"HEAD /live HTTP/1.1", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED,
        TAKEN,
    ),
    "name like the length": (POST + b"Content_Length: 2\r\nContent-Length: 24\r\n" + BODY, TAKEN),
}

CODINGS = {
    f"transfer encoding {value!r}": (POST + b"Transfer-Encoding:" + value + b"\r\n\r\n" + WHOLE, REFUSED)
    for value in [
        b"",
        b" ",
        b" identity",
        b" gzip",
        b" xchunked",
        b" chunkedx",
        b" chunked;q=1",
        b" chunked, identity",
        b" chunked, chunked",
        b" gzip, chunked",
        b" identity, chunked",
        b" chunked,",
        b" ,chunked",
        b' "chunked"',
        b" \x0bchunked",
        b" chunked\x00",
        b" chunked\x0c",
        b" \xc2\xa0chunked",
        b" chu\r\n nked",
        b"\r\n chunked",
    ]
} | {
    "length and coding": (CHUNKED + b"Content-Length: 24\r\n\r\n" + WHOLE, REFUSED),
    "coding and length, a request in the rest": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        REFUSED,
    ),
    "length and coding in other letters": (CHUNKED + b"cOnTeNt-LeNgTh: 0\r\n\r\n" + WHOLE, REFUSED),
    "coding with a space before the colon": (
        POST + b"Transfer-Encoding : chunked\r\nContent-Length: 24\r\n" + BODY,
        REFUSED,
    ),
    "two codings": (CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n" + WHOLE, REFUSED),
    "two codings, one unknown": (CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + WHOLE, REFUSED),
    "two codings, the first unknown": (
        POST + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n" + WHOLE,
        REFUSED,
    ),
    "chunked in version 1.0": (CHUNKED.replace(b"1.1", b"1.0") + b"\r\n" + WHOLE, REFUSED),
    "chunked in other letters": (POST + b"Transfer-Encoding: cHuNkEd\r\n\r\n" + WHOLE, TAKEN),
    "chunked get, a request in it": (
        get(b"GET /live HTTP/1.1", b"Transfer-Encoding: chunked") + chunks(SMUGGLED),
        TAKEN,
    ),
    "another protocol is offered, a request in the body": (
        POST
        + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % (24 + len(SMUGGLED))
        + ROWS
        + SMUGGLED,
        REFUSED,
    ),
    "another protocol is offered with two lengths": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 24\r\nContent-Length: 3\r\n" + BODY,
        REFUSED,
    ),
}

CHUNKS = {
    name: (CHUNKED + b"\r\n" + body, statuses)
    for name, (body, statuses) in {
        "size with a sign": (b"+18\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size below zero": (b"-18\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size in 0x": (b"0x18\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size with an underscore": (b"1_8\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size with a space before": (b" 18\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size with a space after": (b"18 \r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size with a tab after": (b"18\t\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "no size": (b"\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size of 2 to the 64": (b"10000000000000018\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size of 2 to the 63": (b"8000000000000000\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size and a line feed alone": (b"18\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size and a carriage return alone": (b"18\r" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "chunk and a line feed alone": (b"18\r\n" + ROWS + b"\n0\r\n\r\n", REFUSED),
        "chunk and no line end": (b"18\r\n" + ROWS + b"0\r\n\r\n", REFUSED),
        "chunk longer than said": (b"17\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "chunk shorter than said": (b"19\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "last chunk and a line feed alone": (b"18\r\n" + ROWS + b"\r\n0\n\n", REFUSED),
        "extension": (b"18;a=b;c\r\n" + ROWS + b"\r\n0;d\r\n\r\n", TAKEN),
        "extension in quotes": (b'18;a="b;c"\r\n' + ROWS + b"\r\n0\r\n\r\n", TAKEN),
        "extension with a line feed": (b"18;a\nb\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "extension with a carriage return": (b"18;a\rb\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "extension with a nul": (b"18;a\0b\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "extension of a megabyte": (b"18;" + b"a" * 1_000_000 + b"\r\n" + ROWS + b"\r\n0\r\n\r\n", REFUSED),
        "size of many zeros": (b"0" * 20_000 + b"18\r\n" + ROWS + b"\r\n0\r\n\r\n", TAKEN),
        "trailer": (b"18\r\n" + ROWS + b"\r\n0\r\nX: y\r\n\r\n", TAKEN),
        "length as trailer": (b"18\r\n" + ROWS + b"\r\n0\r\nContent-Length: 40\r\n\r\n", REFUSED),
        "coding as trailer": (b"18\r\n" + ROWS + b"\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", REFUSED),
        "host as trailer": (b"18\r\n" + ROWS + b"\r\n0\r\nHost: other\r\n\r\n", TAKEN),
        "trailer without a colon": (b"18\r\n" + ROWS + b"\r\n0\r\nX\r\n\r\n", REFUSED),
        "trailer that is folded": (b"18\r\n" + ROWS + b"\r\n0\r\nX: y\r\n z\r\n\r\n", REFUSED),
        "trailer with a nul": (b"18\r\n" + ROWS + b"\r\n0\r\nX: \0\r\n\r\n", REFUSED),
        "request as trailer": (b"18\r\n" + ROWS + b"\r\n0\r\n" + SMUGGLED, REFUSED),
        "request in a chunk": (chunks(ROWS, SMUGGLED), (400, 200)),
        "request after the last chunk that is not one": (WHOLE[:-2] + b"X" + SMUGGLED, REFUSED),
    }.items()
}

CORPUS = REQUEST_LINES | HEADERS | LENGTHS | CODINGS | CHUNKS
