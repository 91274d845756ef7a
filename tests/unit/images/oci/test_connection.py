"""Which addresses are spoken to, and how."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.images.oci.connection import Connection, is_plain
from modelyard.images.oci.errors import RedirectRefusedError
from modelyard.images.oci.patience import Patience


@pytest.mark.parametrize("registry", ["127.0.0.1:5000", "127.1.2.3", "localhost", "localhost:5000", "[::1]:5000"])
def test_this_machine_may_be_asked_over_plain_http(registry: str) -> None:
    assert is_plain(registry)


@pytest.mark.parametrize(
    "registry", ["10.0.0.1:5000", "registry.example", "127.0.0.1.example", "localhost.example", "[2001:db8::1]:5000"]
)
def test_others_may_not(registry: str) -> None:
    assert not is_plain(registry)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    made = Connection("registry.example", None, plain=False, patience=Patience())
    yield made
    made.close()


LOCATIONS = st.text(max_size=60) | st.from_regex(r"\A(?:https?:)?//[!-~]{0,30}\Z") | st.from_regex(r"\A[!-~]{0,30}\Z")


@given(LOCATIONS)
def test_any_location_is_an_address_behind_tls_or_refused(connection: Connection, location: str) -> None:
    response = httpx.Response(202, request=httpx.Request("POST", "https://registry.example/v2/a/blobs/uploads/"))
    response.headers["location"] = location.encode("ascii", "xmlcharrefreplace").decode()

    try:
        assert connection.location(response).startswith("https://")
    except RedirectRefusedError as error:
        assert "\n" not in str(error)  # noqa: PT017 - some examples are addresses
