"""Counters of all workers in one piece of shared memory, so that any worker can answer for all.

The master makes the memory before it forks. Each worker has a row of its own and is the only one to write there,
so that nothing needs a lock. A worker that takes the place of one that died goes on counting in its row.

A row begins with what is true of the worker, and goes on with a part for each model, the first of them for requests
that are for no model. `exposition` writes the sums as text.
"""

from __future__ import annotations

import mmap
import time
from bisect import bisect_left
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from modelyard_scoring.answers import STATUS
from modelyard_scoring.service.folder import ServedModel

BUCKETS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper bounds of times, in seconds."""
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Upper bounds of the rows of one run."""
PHASES: Final = ("starting", "verify", "import", "init", "warm-up", "serving", "restarting", "stopping")
STARTED: Final = frozenset({"serving", "restarting", "stopping"})
"""The phases of a worker whose start went well; while it is restarting, a script has no process to run in."""
OWN_STATUSES: Final = frozenset({200, *STATUS.values()})
STATUSES: Final = [status.value for status in HTTPStatus if status >= 200]  # an application may give any
REASONS: Final = sorted(STATUS)


def _positions(*groups: tuple[str, int]) -> tuple[dict[str, int], int]:
    """Give each group of cells its first position, and the number of all cells."""
    first, end = {}, 0
    for name, size in groups:
        first[name] = end
        end += size
    return first, end


GAUGES: Final = ("phase", "generation", "in_flight", "connections")
"""What is true of a living worker only."""
WORKER_AT, WORKER_CELLS = _positions(*((name, 1) for name in (*GAUGES, "started", "served", "dropped", "left_out")))
MODEL_AT, MODEL_CELLS = _positions(
    ("threaded", 1),
    ("measured", 1),
    ("statuses", len(STATUSES)),
    ("reasons", len(REASONS)),
    *((f"{name}_sum", 1) for name in ("request", "rows", "queue", "run")),
    ("request", len(BUCKETS) + 1),
    ("rows", len(SIZES) + 1),
    ("queue", len(BUCKETS) + 1),
    ("run", len(BUCKETS) + 1),
)
LOOP, THREAD = 1.0, 2.0

_GENERATION, _IN_FLIGHT, _CONNECTIONS = (WORKER_AT[name] for name in ("generation", "in_flight", "connections"))
_STARTED, _SERVED, _DROPPED, _LEFT_OUT = (WORKER_AT[name] for name in ("started", "served", "dropped", "left_out"))
_STATUS_AT = {
    status: MODEL_AT["statuses"] + STATUSES.index(status if status in STATUSES else status // 100 * 100)
    for status in range(200, 600)
}
_REASON_AT = {reason: MODEL_AT["reasons"] + place for place, reason in enumerate(REASONS)}
_REQUEST, _REQUEST_SUM = MODEL_AT["request"], MODEL_AT["request_sum"]
_ROWS, _ROWS_SUM = MODEL_AT["rows"], MODEL_AT["rows_sum"]
_QUEUE, _QUEUE_SUM = MODEL_AT["queue"], MODEL_AT["queue_sum"]
_RUN, _RUN_SUM = MODEL_AT["run"], MODEL_AT["run_sum"]


class ModelCounters:
    """The counters that one worker has for one model, or for requests that are for none."""

    def __init__(self, cells: memoryview[float]) -> None:
        self._cells = cells

    def answered(self, status: int, reason: str | None, seconds: float) -> None:
        """Count an answer."""
        cells = self._cells
        cells[_STATUS_AT[status]] += 1
        cells[_REQUEST_SUM] += seconds
        cells[_REQUEST + bisect_left(BUCKETS, seconds)] += 1
        if reason is not None:
            cells[_REASON_AT[reason]] += 1

    def answered_together(self, status: int, seconds: Sequence[float]) -> None:
        """Count answers that have one status, none of them an error."""
        cells = self._cells
        cells[_STATUS_AT[status]] += len(seconds)
        cells[_REQUEST_SUM] += sum(seconds)
        first = bisect_left(BUCKETS, min(seconds))
        if first == bisect_left(BUCKETS, max(seconds)):  # those of one run mostly took alike
            cells[_REQUEST + first] += len(seconds)
            return
        for one in seconds:
            cells[_REQUEST + bisect_left(BUCKETS, one)] += 1

    def ran(self, rows: int, queue_seconds: float, run_seconds: float) -> None:
        """Count a run of the model, and how long the first of its requests waited for it."""
        cells = self._cells
        cells[_ROWS_SUM] += rows
        cells[_ROWS + bisect_left(SIZES, rows)] += 1
        cells[_QUEUE_SUM] += queue_seconds
        cells[_QUEUE + bisect_left(BUCKETS, queue_seconds)] += 1
        cells[_RUN_SUM] += run_seconds
        cells[_RUN + bisect_left(BUCKETS, run_seconds)] += 1

    def placed(self, *, in_thread: bool, seconds: float | None) -> None:
        """Note where the model runs, and what one run of its sample takes, if that was measured."""
        self._cells[MODEL_AT["threaded"]] = THREAD if in_thread else LOOP
        self._cells[MODEL_AT["measured"]] = seconds or 0.0

    def reset_gauges(self) -> None:
        """Forget what is true of a living worker only."""
        self._cells[MODEL_AT["threaded"]] = self._cells[MODEL_AT["measured"]] = 0.0


class Counters:
    """The counters of one worker."""

    def __init__(self, row: memoryview[float], models: Sequence[str]) -> None:
        self._row = row
        self._in_flight = 0
        parts = (row[at : at + MODEL_CELLS] for at in range(WORKER_CELLS, len(row), MODEL_CELLS))
        self.models = models
        self._models = dict(zip(models, map(ModelCounters, parts), strict=True))

    def of(self, model: str = "") -> ModelCounters:
        """Give the counters of a model, by its name; without a name, those of requests that are for none."""
        return self._models[model]

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
        return int(self._row[_GENERATION])

    @generation.setter
    def generation(self, generation: int) -> None:
        self._row[_GENERATION] = generation

    def started(self) -> None:
        """Count a worker that begins, which has no request or connection yet."""
        self.reset_gauges()
        self._row[_STARTED] += 1

    def served(self) -> None:
        """Count a worker that has come to serve."""
        self._row[_SERVED] += 1

    def began(self) -> None:
        """Count a request that is being answered."""
        self._in_flight += 1

    def ended(self, requests: int = 1) -> None:
        """Count requests that are not being answered any more."""
        self._in_flight -= requests

    def connected(self, connections: int) -> None:
        """Note how many connections are open."""
        self._row[_CONNECTIONS] = connections
        self.publish()

    def publish(self) -> None:
        """Let the other workers see how many requests are being answered: they see it as of the last time."""
        self._row[_IN_FLIGHT] = self._in_flight

    def logged(self, *, dropped: int = 0, left_out: int = 0) -> None:
        """Count lines of the log that were dropped, and requests that have none because there were too many."""
        self._row[_DROPPED] += dropped
        self._row[_LEFT_OUT] += left_out

    def reset_gauges(self) -> None:
        """Forget what is true of a living worker only."""
        for name in GAUGES:
            self._row[WORKER_AT[name]] = 0
        for model in self._models.values():
            model.reset_gauges()


class Metrics:
    """The counters of all workers, and the number of reloads so far.

    Parameters
    ----------
    slots
        How many workers there may be at a time.
    models
        What answers requests.
    """

    def __init__(self, slots: int, models: Sequence[ServedModel] = ()) -> None:
        self.slots = slots
        self.models = tuple(models)
        self.began = time.time()
        self._names = ("", *(model.name for model in models))
        self._width = WORKER_CELLS + len(self._names) * MODEL_CELLS
        memory = memoryview(mmap.mmap(-1, (slots * self._width + 1) * 8)).cast("d")
        self._table, self._reloads = memory[:-1], memory[-1:]

    @property
    def generation(self) -> int:
        """How many reloads there were."""
        return int(self._reloads[0])

    @generation.setter
    def generation(self, generation: int) -> None:
        self._reloads[0] = generation

    def counters(self, slot: int) -> Counters:
        """Give the row of a worker."""
        return Counters(self._table[slot * self._width : (slot + 1) * self._width], self._names)

    def serving(self, since: int = 0) -> int:
        """Tell how many workers are serving, of the generation `since` and later ones."""
        phases = self._table[WORKER_AT["phase"] :: self._width]
        generations = self._table[_GENERATION :: self._width]
        serving = PHASES.index("serving")
        return sum(a == serving and b >= since for a, b in zip(phases, generations, strict=True))

    def served(self) -> int:
        """Tell how many workers have come to serve so far, those that are gone too."""
        return int(sum(self._table[_SERVED :: self._width]))

    def rows(self) -> list[list[float]]:
        """Copy the rows of all workers: first the cells of `WORKER_AT`, then those of `MODEL_AT` for each model."""
        width = self._width
        return [list(self._table[at : at + width]) for at in range(0, len(self._table), width)]
