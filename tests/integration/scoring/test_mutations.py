"""Requests with random damage: every answer is below 500, and the server goes on."""

import io
import random
import re
import socket

import numpy as np
import pyarrow as pa
import pytest

HEADS = [
    b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n",
    b"POST /score/double?a=b HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nX-Request-Id: abc\r\n\r\n18\r\n",
    b"GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    b"POST /score HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Type: text/csv\r\nContent-Length: 8\r\n\r\n",
]
BODIES = [b'{"data": [[1, 2, 3, 4]]}', b'{"data": [[1, 2, 3, 4]]}\r\n0\r\n\r\n', b"", b"1,2,3,4\n"]
PIECES = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b":",
    b" ",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\xff",
]
PIECES += [
    b"[",
    b"]",
    b'"',
    b"{",
    b"-",
    b"1e999",
    b"NaN",
    b"null",
    b"0\r\n\r\n",
    b"Upgrade: x\r\nConnection: Upgrade\r\n",
]
PRINTABLE = bytes(range(0x20, 0x7F)) + b"\x80\xff\t"
IN_TARGETS = b"abcXYZ019/?&=%.,;:+-_~!*'()@"
SENT = 600
MANY, TOGETHER = 250, 80
ARRAY = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
FILES = 3000  # of each form


def damaged(chance):
    data = bytearray()
    for _ in range(chance.randint(1, 3)):
        which = chance.randrange(len(HEADS))
        data += HEADS[which] + BODIES[which]
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 20)]
            case 2:
                data[at:at] = chance.choice(PIECES)
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 50)]
        if not data:
            data += b"G"
    return bytes(data)


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double}), "--access-log", "errors").wait()


def statuses(data):
    """The statuses of all answers in `data`."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) [A-Z]", data)]


def bruised(chance):
    """Give a request that can be read to its end, with damage in its target, in a header's value, or in its body."""
    body = bytearray(b'{"data": [[1, 2, 3, 4], [5, 6, 7, 8]], "more": {"a": [null, "b"]}}')
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(body))
        body[at : at + chance.randint(0, 3)] = chance.choice([chance.choice(PIECES), bytes([chance.randrange(256)])])
    value = bytes(chance.choice(PRINTABLE) for _ in range(chance.randint(0, 12)))
    name = chance.choice([b"Accept", b"Content-Type", b"X-Request-Id", b"Traceparent", b"Content-Encoding", b"Expect"])
    query = bytes(chance.choice(IN_TARGETS) for _ in range(chance.randint(0, 12)))
    target = chance.choice([b"/score", b"/score/double", b"/score?" + query, b"/v2/models/double/infer", b"/" + query])
    head = b"POST %b HTTP/1.1\r\nHost: here\r\n" % target
    if chance.random() < 0.5:
        head += b"%b: %b\r\n" % (name, value)
    if chance.random() < 0.3:
        cut = chance.randrange(1, len(body) + 1)
        parts = [bytes(body[:cut]), bytes(body[cut:])]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + body
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), bytes(body))


def test_damaged_requests_never_harm_the_server(server):
    chance = random.Random(7)
    seen = []
    for _ in range(SENT):
        data = damaged(chance)
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            try:
                for start in range(0, len(data), cut := chance.randint(1, 400)):
                    connection.sendall(data[start : start + cut])
                connection.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: connection.recv(65536), b""))
            except TimeoutError:
                pytest.fail(f"no end after {data!r}")
            except OSError:  # it was cut off
                continue
        seen += statuses(received)
    assert len(seen) > SENT // 2
    assert {200, 400} <= set(seen)
    assert max(seen) < 500
    assert server.score({"data": [[1, 2, 3, 4]]})[0] == 200


def test_each_of_many_bruised_requests_is_answered_below_500(server):
    chance = random.Random(8)
    seen = []
    for _ in range(MANY):
        data = b"".join(bruised(chance) for _ in range(TOGETHER))
        found = statuses(server.raw(data, shut=True))
        assert len(found) - found.count(100) == TOGETHER, data
        seen += found
    assert {200, 400, 404} <= set(seen)
    assert seen.count(200) > len(seen) // 20
    assert max(seen) < 500


def npy():
    stream = io.BytesIO()
    np.save(stream, ARRAY)
    return stream.getvalue()


def npz(packed=False):
    stream = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(stream, data=ARRAY)
    return stream.getvalue()


def arrow(opened=pa.ipc.new_stream):
    lists = pa.FixedSizeListArray.from_arrays(pa.array(ARRAY.reshape(-1)), 4)
    table = pa.table({"x": lists.cast(pa.list_(pa.float32()))})
    sink = pa.BufferOutputStream()
    with opened(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


FORMS = {
    "npy": ("application/x-npy", npy()),
    "npz": ("application/x-npz", npz()),
    "npz, packed": ("application/x-npz", npz(packed=True)),
    "stream": ("application/vnd.apache.arrow.stream", arrow()),
    "file": ("application/vnd.apache.arrow.file", arrow(pa.ipc.new_file)),
}


def flawed(chance, body):
    """Change a body in a few bytes, or cut it."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                data[at : at + 4] = chance.choice([bytes(4), b"\xff" * 4, b"\xff\xff\xff\x7f"])
            case 3:
                del data[at : at + chance.randint(1, 8)]
            case 4:
                data[at:at] = data[at : at + chance.randint(1, 30)]
    return bytes(data)


@pytest.mark.parametrize("form", FORMS)
def test_arrays_with_random_damage_are_answered_below_500(server, form):
    kind, right = FORMS[form]
    chance = random.Random(form)
    seen = []
    for _ in range(FILES // TOGETHER):
        bodies = [flawed(chance, right) for _ in range(TOGETHER - 1)] + [right]
        head = f"POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: {kind}\r\nContent-Length: %d\r\n\r\n".encode()
        data = b"".join(head % len(body) + body for body in bodies)
        found = statuses(server.raw(data, shut=True))
        assert len(found) == TOGETHER, bodies
        assert found[-1] == 200
        assert max(found) < 500, bodies[found.index(max(found))]
        seen += found
    assert seen.count(400) > len(seen) // 20


def test_the_server_has_come_through_all_that(server):
    workers = server.workers()
    assert server.stop() == 0
    assert len(workers) == 1
    assert "Traceback" not in server.log
    assert "exited with code" not in server.log
