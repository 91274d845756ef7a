"""gRPC over TLS: the certificates of the main port, renewed while clients call, and certificates of clients."""

import contextlib
import json
import os
import signal
import socket
import ssl
import threading
import time
import warnings

import grpc
import pytest
import trustme
from tests.integration.scoring.certificates import options, write_pair

from modelyard_scoring.rpc.messages import SERVICE, Messages

MESSAGES = Messages()
TENSOR = {"name": "input", "datatype": "FP32", "shape": [1, 4], "contents": {"fp32_contents": [1, 2, 3, 4]}}
REQUEST = MESSAGES.ModelInferRequest(model_name="double", inputs=[TENSOR]).SerializeToString()
APART = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own for each channel


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def begin(authority, double_folder, start, tmp_path):
    """Start a server with TLS at both ports."""

    def begun(*more):
        write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
        context = ssl.create_default_context()
        authority.configure_trust(context)
        authority.issue_cert("a-client@example.org").configure_cert(context)
        return start(double_folder, *options(tmp_path), "--grpc-port", "0", *more, tls=context).wait()

    return begun


def address(server):
    return json.loads(server.address_file.read_bytes())["grpc_address"]


def channel(server, authority, client=None):
    key, chain = (None, None) if client is None else (client.private_key_pem.bytes(), client.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), key, chain)
    return grpc.secure_channel(address(server), credentials, options=APART)


def score(open_channel, **more):
    answer = open_channel.unary_unary(f"/{SERVICE}/ModelInfer")(REQUEST, timeout=60, **more)
    return list(MESSAGES.ModelInferResponse.FromString(answer).outputs[1].contents.fp32_contents)


def refusal(open_channel):
    with open_channel, pytest.raises(grpc.RpcError) as caught:
        score(open_channel)
    return caught.value.code().name


def serial(server, authority):
    """The serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2"])
    host, _, port = address(server).rpartition(":")
    raw = socket.create_connection((host, int(port)), timeout=60)
    with context.wrap_socket(raw, server_hostname=host) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        return connection.getpeercert()["serialNumber"]


def test_calls_are_answered_over_tls_and_not_without(begin, authority):
    server = begin()
    with channel(server, authority) as trusting:
        assert score(trusting) == [10.0]
    assert refusal(channel(server, trustme.CA())) == "UNAVAILABLE"
    assert refusal(grpc.insecure_channel(address(server))) == "UNAVAILABLE"


def test_keys_are_wanted_over_tls_too(begin, authority, keys_file, key):
    server = begin("--keys-file", str(keys_file))
    with channel(server, authority) as trusting:
        assert score(trusting, metadata=[("x-api-key", key)]) == [10.0]
    assert refusal(channel(server, authority)) == "UNAUTHENTICATED"


def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(begin):
    server = begin()
    host, _, port = address(server).rpartition(":")
    spoken = set()
    for version in ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")  # at this level the client itself would speak the old versions
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = context.maximum_version = version
        raw = socket.create_connection((host, int(port)), timeout=60)
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(raw, server_hostname=host) as connection:
            spoken.add(connection.version())
    assert spoken == {"TLSv1.2", "TLSv1.3"}


class Calling:
    """Clients that call all the while: one over a connection that it keeps, one over a new one each time."""

    def __init__(self, server, authority):
        self.server, self.authority = server, authority
        self.answers, self.failed = [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=one) for one in (self.keep, self.renew)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def keep(self):
        with channel(self.server, self.authority) as kept:
            while not self.over.is_set():
                self.ask(kept)

    def renew(self):
        while not self.over.is_set():
            with channel(self.server, self.authority) as fresh:
                self.ask(fresh)

    def ask(self, open_channel):
        try:
            self.answers.append(score(open_channel))
        except grpc.RpcError as error:
            self.failed.append((error.code().name, error.details()))


def test_a_certificate_is_renewed_while_clients_call_and_no_call_fails(begin, authority, tmp_path):
    server = begin()
    worker = server.workers()
    with Calling(server, authority) as calling:
        seen = {serial(server, authority)}
        for _ in range(3):
            write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
            end = time.monotonic() + 60
            while (new := serial(server, authority)) in seen:
                assert time.monotonic() < end
                time.sleep(0.02)
            seen.add(new)
    assert calling.failed == []
    assert len(calling.answers) > 20
    assert calling.answers == [[10.0]] * len(calling.answers)
    assert len(seen) == 4
    assert server.workers() == worker


def test_a_broken_pair_leaves_the_certificate_as_it_was(begin, authority, tmp_path):
    server = begin()
    before = serial(server, authority)
    other = authority.issue_cert("localhost", "127.0.0.1")
    other.private_key_pem.write_to_path(tmp_path / "key.pem")
    server.logged(lambda line: "stays as it was" in line["text"])
    assert serial(server, authority) == before
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)  # a new worker begins with what the master read
    server.logged(lambda line: line["text"] == "The phase serving begins." and line["pid"] != worker)
    with channel(server, authority) as trusting:
        assert score(trusting) == [10.0]
    assert serial(server, authority) == before
    write_pair(tmp_path, other)
    server.logged(lambda line: "certificate was read again" in line["text"])
    assert serial(server, authority) != before
    assert "PRIVATE" not in server.log


@pytest.mark.parametrize("wanted", ["required", "optional"])
def test_clients_show_a_certificate_where_it_is_required(begin, authority, tmp_path, wanted):
    # one authority for both sides, so that the same client asks both ports
    authority.cert_pem.write_to_path(tmp_path / "clients.pem")
    server = begin("--tls-client-ca-file", str(tmp_path / "clients.pem"), "--tls-client-certificates", wanted)
    mine, foreign = authority.issue_cert("a@example.org"), trustme.CA().issue_cert("b@example.org")
    with channel(server, authority, mine) as known:
        assert score(known) == [10.0]
    if wanted == "required":
        assert refusal(channel(server, authority)) == "UNAVAILABLE"
        assert refusal(channel(server, authority, foreign)) == "UNAVAILABLE"
    else:  # grpc does not ask for it
        with channel(server, authority) as unknown:
            assert score(unknown) == [10.0]
