"""Requests and answers in every form, with a real server."""

import gzip
import io
import json
import select
import socket
import zlib

import numpy as np
import pyarrow as pa
import pytest
import zstandard

ROWS = [[1.5, -2.0, 3.0, 4.25], [0.1, 1e-30, -1e38, 7.0]]
ARRAY = np.array(ROWS, np.float32)
JSON, NPY, NPZ = "application/json", "application/x-npy", "application/x-npz"
ARROW = "application/vnd.apache.arrow.stream"


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double}, limits={"max_body_bytes": 10**6})).wait()


def npy():
    stream = io.BytesIO()
    np.save(stream, ARRAY)
    return stream.getvalue()


def npz():
    stream = io.BytesIO()
    np.savez_compressed(stream, data=ARRAY)
    return stream.getvalue()


def arrow():
    table = pa.table({"x": pa.FixedSizeListArray.from_arrays(pa.array(ARRAY.reshape(-1)), 4)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


BODIES = {
    JSON: json.dumps({"data": ROWS}).encode(),
    "text/csv": "\n".join(",".join(map(str, row)) for row in ROWS).encode(),
    NPY: npy(),
    NPZ: npz(),
    ARROW: arrow(),
}


def score(server, body, **headers):
    return server.request("POST", "/score", body, {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("accept", ["*/*", "text/csv", NPZ, ARROW])
def test_the_same_rows_in_every_form_get_the_same_answer(server, accept):
    answers = [score(server, body, content_type=kind, accept=accept) for kind, body in BODIES.items()]
    assert [status for status, _, _ in answers] == [200] * len(BODIES)
    assert len({body for _, _, body in answers}) == 1


def test_answers_have_the_form_that_is_asked_for(server):
    wanted = ARRAY * 2
    status, headers, body = score(server, BODIES[NPY], content_type=NPY, accept=f"{JSON};q=0.5, {NPZ}")
    assert (status, headers["content-type"]) == (200, NPZ)
    assert np.array_equal(np.load(io.BytesIO(body))["doubled"], wanted)
    status, headers, body = score(server, BODIES[NPY], content_type=NPY, accept=ARROW)
    assert (status, headers["content-type"]) == (200, ARROW)
    assert np.array_equal(np.array(pa.ipc.open_stream(body).read_all()["doubled"].to_pylist(), "f4"), wanted)
    status, headers, body = score(server, BODIES[NPY], content_type=NPY, accept="text/csv")
    assert headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert body.startswith(b"doubled_0,doubled_1,doubled_2,doubled_3,prediction\r\n3.0,-4.0,6.0,8.5,6.75\r\n")


@pytest.mark.parametrize("accept", ["image/png", NPY, "*/*;q=0"])
def test_what_cannot_be_given_is_406_and_names_what_can(server, accept):
    status, headers, body = score(server, BODIES[JSON], content_type=JSON, accept=accept)
    assert (status, headers["content-type"]) == (406, JSON)
    answer = json.loads(body)
    assert (answer["code"], answer["got"]) == ("not-acceptable", accept)
    assert {JSON, "text/csv", NPZ, ARROW} < set(answer["wanted"])


def test_a_body_of_another_format_than_it_says_is_malformed(server):
    for kind in (NPY, NPZ, ARROW):
        for other in set(BODIES) - {kind}:
            status, _, body = score(server, BODIES[other], content_type=kind)
            assert (status, json.loads(body)["code"]) == (400, "malformed-body")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_compressed_bodies_are_expanded_within_the_limit(server, encoding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding]
    wanted = score(server, BODIES[JSON], content_type=JSON)
    got = score(server, pack(BODIES[JSON]), content_type=JSON, content_encoding=encoding)
    assert (got[0], got[2]) == (200, wanted[2])
    for body, status, code in [
        (pack(BODIES[JSON])[:-1], 400, "malformed-body"),
        (pack(BODIES[JSON]) + b"x", 400, "malformed-body"),
        (pack(b" " * 10**7), 413, "body-too-large"),
        (pack(b"[[1,2,3]]"), 400, "ragged-row"),
    ]:
        got = score(server, body, content_type=JSON, content_encoding=encoding)
        assert (got[0], json.loads(got[2])["code"]) == (status, code)


def test_other_encodings_are_415_and_those_that_are_taken_named(server):
    status, headers, body = score(server, b"x", content_type=JSON, content_encoding="gzip, gzip")
    assert (status, json.loads(body)["code"]) == (415, "wrong-encoding")
    assert "zstd" in headers["accept-encoding"]


def test_others_are_answered_while_a_large_body_is_read(make_folders, start):
    server = start(make_folders.write({"double": make_folders.double}, limits={"max_rows": 10**6})).wait()
    body = b'{"data":[' + b"[1.25,2.5,3.75,5.125]," * 500_000 + b"[1,2,3,4]]}"
    head = f"POST /score HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as large:
        large.sendall(head + body[:-1])
        assert server.request("GET", "/live")[0] == 200
        large.sendall(body[-1:])
        between = 0
        while not select.select([large], [], [], 0)[0] and between < 3:
            assert server.request("GET", "/live")[0] == 200
            between += not select.select([large], [], [], 0)[0]
        assert between == 3, large.recv(400)
        assert large.recv(20).startswith(b"HTTP/1.1 200 OK")
