"""What a route may say."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import InvalidNameError, InvalidValueError
from modelyard.services.route import Copies, Limits, Replica, Route, Sticky, Tls, Upstream

ONE = Upstream(revision=1, replicas=(Replica(port=8000),), weight=100)


def _upstream(**fields):
    return Upstream(**{"revision": 1, "replicas": (Replica(port=8000),), "weight": 1, **fields})


def test_a_route_is_the_same_when_it_was_written_and_read() -> None:
    tls = Tls(certificate="/c/cert.pem", key="/c/key.pem")
    copies = Copies(percent=2.5, to=Replica(port=7000), keys="/c/keys.json")
    sticky = Sticky(by="cookie", name="user")
    route = Route(service="a.b", port=9000, upstreams=(ONE,), mirror=copies, sticky=sticky, tls=tls)

    assert msgspec.json.decode(msgspec.json.encode(route), type=Route) == route


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Replica(host="localhost", port=8000),
        lambda: Replica(host="127.0.0.1\n", port=8000),
        lambda: Replica(port=0),
        lambda: Replica(port=65536),
        lambda: _upstream(revision=0),
        lambda: _upstream(weight=-1),
        lambda: Copies(percent=0, to=Replica(port=1)),
        lambda: Copies(percent=100.1, to=Replica(port=1)),
        lambda: Copies(percent=float("nan"), to=Replica(port=1)),
        lambda: Copies(percent=1, to=Replica(port=1), keys="keys.json"),
        lambda: _upstream(replicas=()),
        lambda: _upstream(replicas=(Replica(port=1), Replica(port=1))),
        lambda: _upstream(keys="keys.json"),
        lambda: Tls(certificate="/a/cert.pem", key="/b/key.pem"),
        lambda: Tls(certificate="cert.pem", key="key.pem"),
        lambda: Limits(body=0),
        lambda: Limits(header_timeout=float("inf")),
    ],
)
def test_a_wrong_part_is_refused(wrong) -> None:
    with pytest.raises(InvalidValueError):
        wrong()


@pytest.mark.parametrize(
    "fields",
    [
        {"upstreams": ()},
        {"upstreams": (_upstream(weight=0),)},
        {"upstreams": (ONE, ONE)},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"port": 70000},
        {"host": "example.org"},
        {"keys": "relative.json"},
        {"keys": "/with\0nul"},
    ],
)
def test_a_wrong_route_is_refused(fields) -> None:
    with pytest.raises(InvalidValueError):
        Route(**{"service": "digits", "port": 9000, "upstreams": (ONE,), **fields})


@given(st.text(alphabet=st.one_of(st.sampled_from("./~%\"'\n\r$(){}: -_"), st.characters()), max_size=130))
def test_no_text_becomes_a_name_of_a_service_that_is_more_than_a_name(text: str) -> None:
    try:
        route = Route(service=text, port=9000, upstreams=(ONE,))
    except InvalidNameError:
        return
    assert route.service.isascii()
    assert not set(route.service) & set("/~%\"'\n\r$(){}: ")
    assert not route.service.startswith(".")


@given(st.sampled_from(["header", "cookie"]), st.text(max_size=70))
def test_no_text_becomes_a_header_or_cookie_that_is_more_than_a_name(by, text: str) -> None:
    try:
        sticky = Sticky(by=by, name=text)
    except InvalidValueError:
        return
    assert sticky.name.replace("-", "").replace(".", "").replace("_", "").isalnum()
    assert sticky.name.isascii()
