"""TLS with real certificates, which change while the router serves."""

import socket
import ssl
import time

import httpx
import pytest
import trustme
from tests.integration.scoring.certificates import write_pair

from modelyard.services.route import Tls
from modelyard_deploy.router.errors import RouterFileError


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def tls(authority, tmp_path):
    write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
    return Tls(certificate=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"))


def serial(port, context):
    """The number of the certificate that a new connection gets."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
        return wrapped.getpeercert()["serialNumber"]


def test_a_service_speaks_tls_and_nothing_else(router, route, serve, port, tls, trusting):
    router.apply(route(serve(1), weights={1: 1}, tls=tls))

    with httpx.Client(verify=trusting, trust_env=False) as client:
        answer = client.post(f"https://localhost:{port}/score", json={"data": [1]})

    assert (answer.status_code, answer.headers["x-modelyard-revision"]) == (200, "1")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://localhost:{port}/score", trust_env=False)


def test_http2_is_offered(router, route, serve, port, tls, trusting):
    router.apply(route(serve(1), weights={1: 1}, tls=tls))
    trusting.set_alpn_protocols(["h2"])
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    with trusting.wrap_socket(plain, server_hostname="localhost") as wrapped:
        assert wrapped.selected_alpn_protocol() == "h2"


def test_a_renewed_certificate_is_served_without_anybody_asking(
    router, route, serve, port, tls, trusting, authority, tmp_path
):
    router.apply(route(serve(1), weights={1: 1}, tls=tls))
    before = serial(port, trusting)
    with httpx.Client(verify=trusting, trust_env=False) as kept:
        assert kept.post(f"https://localhost:{port}/score", json={"data": [1]}).is_success
        write_pair(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
        deadline = time.monotonic() + 60
        while serial(port, trusting) == before:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert kept.post(f"https://localhost:{port}/score", json={"data": [1]}).is_success


def test_a_renewal_that_is_broken_leaves_the_certificate(router, route, serve, port, tls, trusting, tmp_path):
    router.apply(route(serve(1), weights={1: 1}, tls=tls))
    before = serial(port, trusting)
    (tmp_path / ".cert.pem").write_text("nothing")
    (tmp_path / ".cert.pem").replace(tmp_path / "cert.pem")
    time.sleep(0.2)

    assert serial(port, trusting) == before
    with pytest.raises(RouterFileError, match="cannot be served with"):
        router.apply(route(serve(2), weights={2: 1}, tls=tls))
    assert serial(port, trusting) == before
