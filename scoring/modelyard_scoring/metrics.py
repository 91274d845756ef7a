"""Counters of all workers in one piece of shared memory, so that any worker can answer for all.

The master makes the memory before it forks. Each worker has a row of its own and is the only one to write there,
so that nothing needs a lock. A worker that takes the place of one that died goes on counting in its row.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from modelyard_scoring.answers import STATUS

BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PHASES: Final = ("starting", "verify", "import", "init", "warm-up", "serving", "stopping")

_STATUSES = sorted({200, *STATUS.values()})
_REASONS = sorted(STATUS)
_NAMES = (
    ["phase", "generation", "in_flight", "connections", "rows", "batches", "seconds"]
    + [f"status {status}" for status in _STATUSES]
    + [f"reason {reason}" for reason in _REASONS]
    + [f"bucket {bound}" for bound in (*BUCKETS, "+Inf")]
)
_AT = {name: position for position, name in enumerate(_NAMES)}
_WIDTH = len(_NAMES)
_IN_FLIGHT, _CONNECTIONS, _ROWS, _BATCHES = (_AT[n] for n in ("in_flight", "connections", "rows", "batches"))
_SECONDS, _FIRST_BUCKET = _AT["seconds"], _AT[f"bucket {BUCKETS[0]}"]
_STATUS_AT = {status: _AT[f"status {status}"] for status in _STATUSES}
_REASON_AT = {reason: _AT[f"reason {reason}"] for reason in _REASONS}


class Counters:
    """The counters of one worker."""

    def __init__(self, row: memoryview[float]) -> None:
        self._row = row

    @property
    def phase(self) -> str:
        """Which of `PHASES` the worker is in."""
        return PHASES[int(self._row[0])]

    @phase.setter
    def phase(self, phase: str) -> None:
        self._row[0] = PHASES.index(phase)

    @property
    def generation(self) -> int:
        """How many reloads came before the worker."""
        return int(self._row[1])

    @generation.setter
    def generation(self, generation: int) -> None:
        self._row[1] = generation

    def began(self) -> None:
        """Count a request that is being answered."""
        self._row[_IN_FLIGHT] += 1

    def ended(self) -> None:
        """Count a request that is not being answered any more."""
        self._row[_IN_FLIGHT] -= 1

    def answered(self, status: int, reason: str | None, seconds: float) -> None:
        """Count an answer."""
        row = self._row
        row[_STATUS_AT[status]] += 1
        row[_SECONDS] += seconds
        row[_FIRST_BUCKET + bisect_left(BUCKETS, seconds)] += 1
        if reason is not None:
            row[_REASON_AT[reason]] += 1

    def ran(self, rows: int) -> None:
        """Count a run of a model."""
        self._row[_ROWS] += rows
        self._row[_BATCHES] += 1

    def connected(self, connections: int) -> None:
        """Note how many connections are open."""
        self._row[_CONNECTIONS] = connections

    def reset_gauges(self) -> None:
        """Forget what is true of a living worker only."""
        for position in (0, _IN_FLIGHT, _CONNECTIONS):
            self._row[position] = 0


class Metrics:
    """The counters of all workers, and the number of reloads so far."""

    def __init__(self, slots: int) -> None:
        memory = memoryview(mmap.mmap(-1, (slots * _WIDTH + 1) * 8)).cast("d")
        self._table, self._reloads = memory[:-1], memory[-1:]
        self.slots = slots

    @property
    def generation(self) -> int:
        """How many reloads there were."""
        return int(self._reloads[0])

    @generation.setter
    def generation(self, generation: int) -> None:
        self._reloads[0] = generation

    def counters(self, slot: int) -> Counters:
        """Give the row of a worker."""
        return Counters(self._table[slot * _WIDTH : (slot + 1) * _WIDTH])

    def serving(self, since: int = 0) -> int:
        """Tell how many workers are serving, of the generation `since` and later ones."""
        phases = self._table[_AT["phase"] :: _WIDTH]
        generations = self._table[_AT["generation"] :: _WIDTH]
        serving = PHASES.index("serving")
        return sum(a == serving and b >= since for a, b in zip(phases, generations, strict=True))

    def text(self, service: str, models: list[str]) -> str:
        """Write all counters as Prometheus text."""
        return "\n".join(self._lines(service, models)) + "\n"

    def _sum(self, name: str) -> float:
        total = sum(self._table[_AT[name] :: _WIDTH])
        return int(total) if total == int(total) else total

    def _lines(self, service: str, models: list[str]) -> Iterator[str]:
        prefix = "modelyard_scoring"
        yield from _head(f"{prefix}_info", "gauge", "What is served.")
        yield f'{prefix}_info{{service="{service}",models="{",".join(models)}"}} 1'
        yield from _head(f"{prefix}_workers", "gauge", "Workers that are serving.")
        yield f"{prefix}_workers {self.serving()}"
        yield from _head(f"{prefix}_requests_total", "counter", "Requests answered, by HTTP status.")
        for status in _STATUSES:
            yield f'{prefix}_requests_total{{code="{status}"}} {self._sum(f"status {status}")}'
        yield from _head(f"{prefix}_refused_total", "counter", "Requests answered with an error, by its code.")
        for reason in _REASONS:
            yield f'{prefix}_refused_total{{reason="{reason}"}} {self._sum(f"reason {reason}")}'
        for name, kind, text in (
            ("rows", "counter", "Rows that models have run on."),
            ("batches", "counter", "Runs of models; rows / batches is how many rows were joined."),
        ):
            yield from _head(f"{prefix}_{name}_total", kind, text)
            yield f"{prefix}_{name}_total {self._sum(name)}"
        for name, text in (("in_flight", "Requests being answered."), ("connections", "Open connections.")):
            yield from _head(f"{prefix}_{name}", "gauge", text)
            yield f"{prefix}_{name} {self._sum(name)}"
        yield from self._histogram(f"{prefix}_request_seconds")

    def _histogram(self, name: str) -> Iterator[str]:
        yield from _head(name, "histogram", "Seconds from the end of a request to its answer.")
        count: float = 0
        for bound in (*BUCKETS, "+Inf"):
            count += self._sum(f"bucket {bound}")
            yield f'{name}_bucket{{le="{bound}"}} {count}'
        yield f"{name}_sum {self._sum('seconds')}"
        yield f"{name}_count {count}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
