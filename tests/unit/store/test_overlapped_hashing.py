"""Chunks are hashed on another thread while they are written."""

import hashlib
import threading
from collections.abc import Iterator

import pytest

from modelyard.store.blobs import CHUNK, overlapped

_SIZES = [
    [],
    [0],
    [5],
    [CHUNK],
    [5, CHUNK, 7],
    [CHUNK // 4 - 1, CHUNK // 4],
    [CHUNK // 4] * 40,
]


@pytest.mark.parametrize("sizes", _SIZES)
def test_the_digest_is_that_of_all_chunks_in_their_order(sizes: list[int]) -> None:
    chunks = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    digest = hashlib.sha256()

    written = list(overlapped(iter(chunks), digest))

    assert written == chunks
    assert digest.digest() == hashlib.sha256(b"".join(chunks)).digest()


def test_no_thread_is_left_when_the_caller_stops() -> None:
    before = threading.active_count()

    writing = overlapped(iter([bytes(CHUNK)] * 20), hashlib.sha256())
    next(writing)
    writing.close()

    assert threading.active_count() == before


def test_no_thread_is_left_when_reading_fails() -> None:
    before = threading.active_count()

    with pytest.raises(OSError, match="cut"):
        list(overlapped(_cut(), hashlib.sha256()))

    assert threading.active_count() == before


def _cut() -> Iterator[bytes]:
    yield bytes(CHUNK)
    raise OSError("cut")
