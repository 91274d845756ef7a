"""Heads are bounded, however they arrive."""

import pytest

from modelyard_scoring.http1.head import HeadMeter, problem
from modelyard_scoring.settings import read_settings


@pytest.fixture
def meter():
    return HeadMeter(read_settings(["folder", "--max-headers", "3", "--max-header-bytes", "256"], {}))


def test_headers_are_counted(meter):
    for _ in range(3):
        meter.parsed(b"a", b"b")
    assert not meter.over
    meter.parsed(b"a", b"b")
    assert meter.over


def test_a_header_that_never_ends_is_seen_before_it_is_parsed(meter):
    meter.fed(100)
    meter.fed(256)
    assert not meter.over
    meter.fed(1)
    assert meter.over


def test_other_requests_before_a_head_are_not_counted_as_its_own(meter):
    meter.fed(100_000)
    assert not meter.over


def test_bytes_are_not_counted_twice_when_a_head_comes_in_pieces(meter):
    meter.fed(1)
    meter.fed(150)
    meter.parsed(b"a", b"b" * 140)
    assert not meter.over


def test_a_new_head_begins_at_nothing(meter):
    meter.fed(1000)
    meter.fed(1000)
    meter.begin()
    assert not meter.over


@pytest.mark.parametrize(
    ("version", "headers", "why"),
    [
        ("1.1", {b"host": b"h"}, None),
        ("1.0", {}, None),
        ("1.1", {}, "it has no host header"),
        ("2.0", {b"host": b"h"}, "its version is 2.0"),
        ("0.9", {}, "its version is 0.9"),
    ],
)
def test_what_a_head_needs(version, headers, why):
    assert problem(version, headers) == why


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"identity", b"", b"chunked, chunked"])
def test_no_other_transfer_encoding_than_chunked_is_taken(coding):
    assert problem("1.1", {b"host": b"h", b"transfer-encoding": b"Chunked"}) is None
    assert "transfer encoding" in problem("1.1", {b"host": b"h", b"transfer-encoding": coding})
    assert "1.0" in problem("1.0", {b"transfer-encoding": b"chunked"})
