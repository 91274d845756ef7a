"""What clients call their requests."""

import pytest

from modelyard_scoring.telemetry.correlation import Correlation, Trace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", "01"),
        (f"00-{TRACE}-{SPAN}-ff", "ff"),
        (f"01-{TRACE}-{SPAN}-00", "00"),
        (f"fe-{TRACE}-{SPAN}-01-what-is-to-come", "01"),
    ],
)
def test_a_valid_traceparent_is_read(header, flags):
    assert Trace.find(header.encode()) == Trace(TRACE, SPAN, flags)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"01-{TRACE}-{SPAN}-01more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-0\xb2",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_another_traceparent_is_as_if_it_were_not_there(header):
    assert Trace.find(None if header is None else header.encode("latin-1")) is None


@pytest.mark.parametrize(
    ("given", "client", "returned"),
    [
        (b"a", None, (b"a", b"a")),
        (None, b"b", (b"b", b"b")),
        (b"a", b"b", (b"a", b"b")),
        (b"a b", b"b", (b"b", b"b")),
        (b'a"', b"b\\", (b"", b"")),
        (b"a" * 129, None, (b"", b"")),
    ],
)
def test_ids_come_back_as_the_server_of_azure_gives_them(given, client, returned):
    headers = {b"x-ms-request-id": given, b"x-ms-client-request-id": client}
    read = Correlation.of({name: value for name, value in headers.items() if value is not None})
    line = b"x-ms-client-request-id: %b\r\n" % returned[1] if returned[1] else b""
    assert (read.ms_request_id, read.lines) == (returned[0], line)
