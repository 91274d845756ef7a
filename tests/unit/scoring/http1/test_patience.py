"""How long a client waits, from its headers."""

import pytest

from modelyard_scoring.http1.errors import HttpError
from modelyard_scoring.http1.patience import patience


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({b"x-request-timeout": b"0.25"}, 0.25),
        ({b"x-request-timeout": b"3600"}, 60),
        ({b"x-envoy-expected-rq-timeout-ms": b"1500"}, 1.5),
        ({b"x-request-timeout": b"2", b"x-envoy-expected-rq-timeout-ms": b"1500"}, 1.5),
    ],
)
def test_the_shortest_time_counts(headers, seconds):
    assert patience(headers, 60) == seconds


@pytest.mark.parametrize("value", [b"", b"-1", b"1e3", b"nan", b"1s", b"0x10", b"1" * 40])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(HttpError, match="x-request-timeout"):
        patience({b"x-request-timeout": value}, 60)
