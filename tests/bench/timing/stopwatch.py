"""Time calls in the interpreter that is measured, and print what was found as one line of JSON."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

_WARM_UP = 3


def given() -> dict[str, Any]:
    """Read what the program was started with."""
    return json.loads(sys.argv[1])


def rate(call: Callable[[], object], seconds: float) -> float:
    """Call again and again for so many seconds, and return the calls a second."""
    for _ in range(_WARM_UP):
        call()
    count, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        call()
        count += 1
    return count / (now - start)


def middle(call: Callable[[], object], seconds: float) -> float:
    """Call again and again for so many seconds, at least once, and return the median of what a call took."""
    for _ in range(_WARM_UP):
        call()
    took, end = [], time.perf_counter() + seconds
    while not took or time.perf_counter() < end:
        took.append(once(call))
    return statistics.median(took)


def once(call: Callable[[], object]) -> float:
    """Return the seconds that one call took."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def tell(**figures: float) -> None:
    """Print what was measured."""
    print(json.dumps(figures), flush=True)
