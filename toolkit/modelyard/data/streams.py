"""Work on several things at a time, in order, without holding many."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

STREAMS = 8
"""How many files are on their way at a time."""

T = TypeVar("T")
R = TypeVar("R")


def in_streams(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Call `work` with each item, several at a time, and give the results in the order of the items.

    At the first failure what has not begun is left out, and the failure is raised when what has begun is over.
    """
    waiting: deque[Future[R]] = deque()
    source = iter(items)
    with ThreadPoolExecutor(STREAMS, thread_name_prefix="modelyard-data") as pool:
        try:
            waiting.extend(pool.submit(work, item) for item in itertools.islice(source, 2 * STREAMS))
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in itertools.islice(source, 1))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def batches(items: Iterable[T], most: int, size_of: Callable[[T], int], enough: int) -> Iterator[tuple[T, ...]]:
    """Gather items, at most `most` of them, or until their sizes reach `enough`."""
    batch: list[T] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if len(batch) == most or size >= enough:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)
