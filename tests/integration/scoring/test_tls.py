"""TLS with real certificates and real clients; the certificates change while the server serves."""

import json
import os
import socket
import ssl
import subprocess
import threading
import time
from functools import partial

import httpx
import pytest
import trustme
from tests.integration.scoring.certificates import options, write_pair

HEAD = b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SCORE = HEAD + b'Content-Length: 24\r\n\r\n{"data": [[1, 2, 3, 4]]}'
LIVE = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority):
    """A client's context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def server(authority, trusting, make_folders, start_in_module, tmp_path_factory):
    place = tmp_path_factory.mktemp("certificates")
    write_pair(place, authority.issue_cert("localhost", "127.0.0.1"))
    folders = make_folders
    limits = ["--header-timeout", "1", "--body-timeout", "2"]
    return start_in_module(folders.write({"double": folders.double}), *options(place), *limits, tls=trusting).wait()


def connect(server, context):
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    return context.wrap_socket(raw, server_hostname="localhost")


def serial(server, context):
    """The serial number of the certificate that a new connection is shown."""
    with connect(server, context) as connection:
        return connection.getpeercert()["serialNumber"]


def test_all_that_is_served_is_served_over_tls(server, rows):
    assert server.url.startswith("https://")
    assert server.request("GET", "/live")[0] == 200
    assert server.request("GET", "/metrics")[0] == 200
    assert server.score({"data": rows})[0] == 200


def test_httpx_keeps_its_connection(server, trusting, rows):
    with httpx.Client(verify=trusting, base_url=f"https://localhost:{server.port}") as client:
        answers = [client.post("/score", json={"data": rows}) for _ in range(20)]
        assert [answer.status_code for answer in answers] == [200] * 20
        assert len({id(answer.extensions["network_stream"]) for answer in answers}) == 1


def test_a_client_that_does_not_trust_the_authority_ends_the_handshake(server):
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://localhost:{server.port}/live")
    assert server.request("GET", "/live")[0] == 200


@pytest.mark.parametrize(
    ("version", "protocol"), [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3"), ("-tls1_1", None), ("-tls1", None)]
)
def test_openssl_speaks_1_2_and_1_3_and_nothing_older(server, version, protocol):
    # at the level 0 the client itself would speak the old versions
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version, "-cipher", "ALL:@SECLEVEL=0"]
    command += ["-alpn", "h2,http/1.1", "-ign_eof"]
    asked = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    done = subprocess.run(command, input=asked, capture_output=True, timeout=60, check=False)
    said = done.stdout.decode()
    if protocol is None:
        assert "HTTP/1.1 200" not in said
        assert "Cipher is (NONE)" in said
    else:
        assert "HTTP/1.1 200 OK" in said
        assert f"{protocol}, Cipher is" in said
        assert "ALPN protocol: http/1.1" in said


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256"])
def test_ciphers_without_forward_secrecy_or_authentication_are_refused(server, cipher):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises(OSError, match=r"(?i)handshake|eof|reset"):
        connect(server, context)


def test_plain_http_at_a_tls_port_is_closed_without_an_answer_that_could_mislead(server):
    assert not server.raw(LIVE).startswith(b"HTTP/")
    assert not server.raw(SCORE * 20).startswith(b"HTTP/")
    assert server.request("GET", "/live")[0] == 200


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x40\x00" + bytes(300)])
def test_a_handshake_that_never_ends_is_cut_off(server, sent):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(sent)
        try:
            while connection.recv(1000):
                pass
        except ConnectionResetError:
            pass
    assert server.request("GET", "/live")[0] == 200


def test_pipelined_and_half_closed_requests_do_no_harm(server, trusting, read):
    with connect(server, trusting) as connection:
        connection.sendall(SCORE * 50)
        seen = b""
        while seen.count(b"HTTP/1.1 200") < 50:
            seen += connection.recv(65536)
        connection.unwrap()
    assert "no effect when using ssl" not in server.log
    assert "raceback" not in server.log


def test_an_early_refusal_arrives_although_the_body_is_still_being_sent(server, trusting):
    with connect(server, trusting) as connection:
        connection.sendall(SCORE.replace(b": 24", b": 999999999").partition(b"{")[0])
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_large_body_and_a_large_answer_pass_whole(server, trusting):
    rows = [[1, 2, 3, 4]] * 10_000
    with httpx.Client(verify=trusting) as client:
        answer = client.post(f"https://localhost:{server.port}/score", json={"data": rows}).json()
    assert answer["prediction"] == [10.0] * 10_000


class Asking:
    """Clients that ask all the while, some over one connection, some over a new one each time."""

    def __init__(self, server, context, count):
        self.url = f"https://localhost:{server.port}/score"
        self.context = context
        self.asked, self.failed = [], []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(number % 2 == 0,)) for number in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def ask(self, keep):
        with httpx.Client(verify=self.context) as client:
            while not self.stop.is_set():
                post = client.post if keep else partial(httpx.post, verify=self.context)
                try:
                    self.asked.append(post(self.url, json={"data": [[1, 2, 3, 4]]}).status_code)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))


def test_a_certificate_is_renewed_under_load_without_losing_a_connection(
    authority, trusting, double_folder, start, tmp_path
):
    write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
    server = start(double_folder, *options(tmp_path), "--workers", "2", tls=trusting).wait()
    with Asking(server, trusting, 4) as asking, connect(server, trusting) as held:
        seen = {serial(server, trusting)}
        for _ in range(3):
            write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
            end = time.monotonic() + 60
            while (new := serial(server, trusting)) in seen:
                assert time.monotonic() < end
            seen.add(new)
        held.sendall(LIVE)
        assert held.recv(1000).startswith(b"HTTP/1.1 200")
    assert asking.failed == []
    assert set(asking.asked) == {200}
    assert len(seen) == 4


def test_a_broken_pair_leaves_the_certificate_as_it_was(authority, trusting, double_folder, start, tmp_path):
    write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
    server = start(double_folder, *options(tmp_path), tls=trusting).wait()
    before = serial(server, trusting)
    other = authority.issue_cert("localhost")
    other.private_key_pem.write_to_path(tmp_path / "key.pem")
    server.logged(lambda line: "stays as it was" in line["text"])
    assert serial(server, trusting) == before
    os.kill(server.workers()[0], 9)  # a new worker begins with what the master read
    server.wait()
    assert serial(server, trusting) == before
    write_pair(tmp_path, other)
    server.logged(lambda line: "certificate was read again" in line["text"])
    assert serial(server, trusting) != before
    assert "PRIVATE" not in server.log


@pytest.mark.parametrize("wanted", ["required", "optional"])
def test_clients_show_a_certificate(authority, double_folder, start, tmp_path, wanted, rows):
    write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
    clients = trustme.CA()
    clients.cert_pem.write_to_path(tmp_path / "clients.pem")
    more = ["--tls-client-ca-file", str(tmp_path / "clients.pem"), "--tls-client-certificates", wanted]

    def context(issuer):
        made = ssl.create_default_context()
        authority.configure_trust(made)
        if issuer is not None:
            issuer.issue_cert("a-client@example.org").configure_cert(made)
        return made

    server = start(double_folder, *options(tmp_path), *more, tls=context(clients)).wait()
    assert server.score({"data": rows})[0] == 200
    server.tls = context(trustme.CA())
    with pytest.raises(OSError, match=r"(?i)unknown ca|reset|eof|closed"):
        server.request("GET", "/live")
    server.tls = context(None)
    if wanted == "optional":
        assert server.request("GET", "/live")[0] == 200
    else:
        with pytest.raises(OSError, match=r"(?i)required|reset|eof|closed"):
            server.request("GET", "/live")


def test_a_start_with_a_key_that_others_can_read_says_so(authority, double_folder, start, tmp_path):
    write_pair(tmp_path, authority.issue_cert("localhost"))
    (tmp_path / "key.pem").chmod(0o644)
    server = start(double_folder, *options(tmp_path))
    assert server.process.wait(60) == 3
    failure = json.loads(server.failure_file.read_text())
    assert (failure["phase"], failure["type"]) == ("settings", "CertificateError")
    assert "can be read by others" in failure["message"]


def test_a_start_with_a_key_of_another_certificate_says_so(authority, double_folder, start, tmp_path):
    write_pair(tmp_path, authority.issue_cert("localhost"))
    authority.issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "key.pem")
    server = start(double_folder, *options(tmp_path))
    assert server.process.wait(60) == 3
    assert "does not go with its key" in server.failure_file.read_text()


APPLICATION = """
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-scheme", scope["scheme"].encode())]})
    for _ in range(40):
        await send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
    await send({"type": "http.response.body"})
"""


def test_an_application_answers_in_parts_over_tls(authority, trusting, folders, start, tmp_path):
    write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
    server = start(folders.write_application(APPLICATION), *options(tmp_path), tls=trusting).wait()
    for _ in range(3):
        status, headers, body = server.request("GET", "/")
        assert (status, headers["x-scheme"], len(body)) == (200, "https", 2_000_000)
    with connect(server, trusting) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert connection.recv(1000)
    assert server.request("GET", "/live")[0] == 200
