"""What is sent with a request, and to whom credentials go."""

from urllib.parse import parse_qs

import httpx
import pytest

from modelyard.images.oci.authorization import Authorization
from modelyard.images.oci.challenge import read_challenges
from modelyard.images.oci.credentials import Credential
from modelyard.images.oci.errors import (
    CredentialsNeededError,
    CredentialsRefusedError,
    ForeignRealmError,
    RegistryFailureError,
)
from modelyard.images.oci.patience import PassingError

SCOPE = ("repository:digits:pull,push", "repository:base:pull")
ANN = Credential(username="ann", password="correct horse")
BASIC = "Basic YW5uOmNvcnJlY3QgaG9yc2U="


class Service:
    """Gives tokens, and remembers who asked."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers) or [(200, b'{"token":"t%d"}' % number) for number in range(9)]
        self.asked: list[httpx.Request] = []

    def send(self, request: httpx.Request) -> tuple[int, bytes]:
        self.asked.append(request)
        return self.answers[len(self.asked) - 1]


def _authorization(
    service: Service,
    credential: Credential | None = ANN,
    *,
    realm: str = "https://auth.r.example/token",
    plain: bool = False,
    host: str = "r.example",
) -> Authorization:
    made = Authorization(host, host, credential, plain=plain, send=service.send)
    made.learn(read_challenges([f'Bearer realm="{realm}",service="r"']))
    return made


def test_nothing_is_sent_before_the_registry_asks() -> None:
    assert Authorization("r", "r", ANN, plain=False, send=Service().send).header(SCOPE) is None


def test_a_password_is_sent_where_the_registry_asks_for_one() -> None:
    made = Authorization("r.example", "r.example", ANN, plain=False, send=Service().send)
    made.learn(read_challenges(["Basic realm=x"]))

    assert made.header(SCOPE) == BASIC
    assert made.renewed(SCOPE, BASIC) is None


def test_a_token_is_asked_for_with_the_password_and_used_again() -> None:
    service = Service()
    made = _authorization(service)

    assert [made.header(SCOPE), made.header(SCOPE), made.header(SCOPE[:1])] == ["Bearer t0", "Bearer t0", "Bearer t1"]
    assert service.asked[0].headers["authorization"] == BASIC
    assert parse_qs(service.asked[0].url.query.decode())["scope"] == list(SCOPE)
    assert service.asked[0].url.host == "auth.r.example"


def test_a_token_that_is_refused_is_replaced_once() -> None:
    made = _authorization(Service((200, b'{"token":"a"}'), (200, b'{"access_token":"b"}'), (200, b'{"token":"b"}')))

    assert made.header(SCOPE) == "Bearer a"
    assert made.renewed(SCOPE, "Bearer a") == "Bearer b"
    assert made.renewed(SCOPE, "Bearer b") is None


def test_an_identity_token_is_exchanged() -> None:
    service = Service()
    made = _authorization(service, Credential(identity_token="refresh me"))

    assert made.header(SCOPE) == "Bearer t0"
    form = parse_qs(service.asked[0].content.decode())
    assert (form["grant_type"], form["refresh_token"]) == (["refresh_token"], ["refresh me"])
    assert form["scope"] == [" ".join(SCOPE)]


def test_a_token_for_the_registry_itself_is_sent_as_it_is() -> None:
    service = Service()

    assert _authorization(service, Credential(registry_token="it")).header(SCOPE) == "Bearer it"
    assert service.asked == []


@pytest.mark.parametrize(
    ("realm", "plain"),
    [
        ("http://auth.r.example/token", False),
        ("https://evil.example.org/token", False),
        ("https://r.example.evil.org/", False),
        ("http://10.0.0.1/", True),
        ("ftp://r.example/", True),
        ("/token", False),
        ("", True),
        ("https://[", False),
        ("https://r.example:port/", False),
    ],
)
def test_credentials_go_to_no_foreign_place(realm: str, plain: bool) -> None:
    service = Service()

    with pytest.raises(ForeignRealmError, match="not sent"):
        _authorization(service, realm=realm, plain=plain).header(SCOPE)

    assert service.asked == []


def test_without_credentials_a_token_is_asked_for_elsewhere_too() -> None:
    service = Service()

    assert _authorization(service, None, realm="https://tokens.example.org/").header(SCOPE) == "Bearer t0"
    assert "authorization" not in service.asked[0].headers


@pytest.mark.parametrize(
    ("credential", "answer", "error"),
    [
        (None, (401, b""), CredentialsNeededError),
        (ANN, (401, b""), CredentialsRefusedError),
        (ANN, (403, b""), CredentialsRefusedError),
        (ANN, (200, b"<html>"), RegistryFailureError),
        (ANN, (200, b"{}"), RegistryFailureError),
        (ANN, (200, b'{"token":"a\\r\\nx: y"}'), RegistryFailureError),
        (ANN, (302, b""), RegistryFailureError),
        (ANN, (503, b""), PassingError),
    ],
)
def test_a_service_that_gives_no_token_is_told_in_words(
    credential: Credential | None, answer: tuple[int, bytes], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        _authorization(Service(answer), credential).header(SCOPE)

    assert "correct horse" not in str(caught.value)
    assert "\n" not in str(caught.value)
