"""The gate lets pass what means this host, and what no foreign page sent."""

import pytest

from modelyard_scoring.http1.errors import ForeignOriginError, WrongHostError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.gate import Gate, make_gate
from modelyard_scoring.http1.routes import Route, Routes
from modelyard_scoring.settings import read_settings

ROUTES = Routes(
    [Route(path=path, methods=("GET", "POST"), keyed=False, handle=print) for path in ("/score", "/live", "/")]
)


def gate(*options, keyed=False):
    if keyed:
        options += ("--keys-file", "keys.json")
    settings = read_settings(["folder", *options], {})
    return make_gate(settings, settings.host, keyed=keyed)


def find(gate, method="POST", path="/score", **headers):
    exchange = Exchange(None)
    exchange.method, exchange.target = method.encode(), path.encode()
    exchange.headers = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return exchange, gate.find(exchange, ROUTES)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "LocalHost:1",
        "localhost:",
        "127.0.0.1",
        "127.0.0.1:65535",
        "[::1]",
        "[::1]:8080",
        "127.9.9.9:80",
        "model.test",
        "model.test:443",
    ],
)
def test_names_of_this_host_pass(host):
    made = gate("--host", "127.9.9.9", "--allowed-hosts", "model.test")
    for _ in range(2):
        assert find(made, host=host)[1].path == "/score"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "evil.example:80@localhost",
        "127.0.0.1.evil.example",
        "localhost:80:80",
        "localhost:x",
        "[::1]x",
        "[localhost]",
        "::1",
        "0.0.0.0",
        "169.254.169.254",
        "localhost ",
        "\x00localhost",
        "localhost,evil.example",
    ],
)
def test_other_names_do_not(host):
    made = gate()
    for _ in range(2):
        with pytest.raises(WrongHostError):
            find(made, host=host)
    with pytest.raises(WrongHostError):
        find(made, "GET", "/no-such-path", host=host)
    assert find(made, "GET", "/live", host=host)[1].path == "/live"


def test_a_request_without_host_is_no_browsers():
    assert find(gate())[1].path == "/score"


def test_no_more_names_are_remembered_than_fit():
    made = gate("--allowed-hosts", "a")
    for port in range(1000):
        find(made, host=f"a:{port}")
    assert len(made._known) == 256


def test_with_keys_nothing_is_looked_at_unless_asked_for():
    assert gate(keyed=True) is None
    assert gate("--allowed-hosts", "*") is not None
    with pytest.raises(WrongHostError):
        find(gate("--allowed-hosts", "a.test", keyed=True), host="b.test")
    assert find(gate("--allowed-hosts", "*"), host="b.test")[1].path == "/score"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"origin": "http://localhost"},
        {"sec_fetch_site": "cross-site"},
        {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "ANYTHING"])
def test_what_a_foreign_page_sends_is_refused(method, headers):
    with pytest.raises(ForeignOriginError):
        find(gate(), method, host="localhost:8080", **headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:8080"},
        {"origin": "HTTP://LOCALHOST:8080"},
        {"origin": "http://localhost:8080", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_what_its_own_page_or_no_browser_sends_passes(headers):
    assert find(gate(), host="localhost:8080", **headers)[1].path == "/score"


def test_a_foreign_page_may_link_here():
    assert find(gate(), "GET", "/", host="localhost", sec_fetch_site="cross-site")[1].path == "/"


def test_a_foreign_page_may_send_what_cors_allows_or_a_key_protects():
    allowed = gate("--cors-origins", "https://shop.example")
    assert find(allowed, host="localhost", origin="https://shop.example", sec_fetch_site="cross-site")[0].cors
    with pytest.raises(ForeignOriginError):
        find(allowed, host="localhost", origin="https://other.example")
    keyed = gate("--cors-origins", "https://shop.example", keyed=True)
    assert find(keyed, host="any", origin="https://other.example")[0].cors == b"vary: origin\r\n"


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ("https://a.example,https://b.example", "https://b.example", "https://b.example"),
        ("https://a.example", "https://a.example.evil.example", None),
        ("https://a.example", "https://a.example:444", None),
        ("https://a.example", "http://a.example", None),
        ("https://a.example", "null", None),
        ("*", "null", "*"),
        ("*", "https://any.example", "*"),
    ],
)
def test_who_may_read_answers(origins, origin, allowed):
    cors = find(gate("--cors-origins", origins, keyed=True), origin=origin)[0].cors.decode()
    assert (f"access-control-allow-origin: {allowed}\r\n" in cors) == (allowed is not None)
    assert ("access-control-allow-origin" in cors) == (allowed is not None)
    assert ("vary: origin" in cors) == (origins != "*")
    assert "credentials" not in cors
    assert "private-network" not in cors


def test_a_preflight_is_answered_only_to_those():
    made = gate("--cors-origins", "https://a.example", keyed=True)
    asked = {"access_control_request_method": "POST"}
    assert find(made, "OPTIONS", origin="https://a.example", **asked)[1].methods == ("OPTIONS",)
    for headers in ({"origin": "https://b.example", **asked}, asked, {"origin": "https://a.example"}):
        with pytest.raises(Exception, match="takes GET or POST, not OPTIONS"):
            find(made, "OPTIONS", **headers)


@pytest.mark.parametrize(("hosts", "origins", "none"), [(None, (), False), (["a"], ["*"], True)])
def test_a_gate_says_nothing_of_origins_where_there_are_none(hosts, origins, none):
    exchange, _ = find(Gate(hosts, origins, same_origin=False), host="a")
    assert bool(exchange.cors) is none
