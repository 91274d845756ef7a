"""The counters as text, in the format that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from modelyard_scoring.telemetry.metrics import (
    BUCKETS,
    LOOP,
    MODEL_AT,
    MODEL_CELLS,
    OWN_STATUSES,
    REASONS,
    SIZES,
    STATUSES,
    THREAD,
    WORKER_AT,
    WORKER_CELLS,
    Metrics,
)

KIND: Final = b"text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "modelyard_scoring_"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Sample = tuple[str, Mapping[str, str], float]
"""What is added to the family's name, the labels, and the value."""


class _Model:
    """The cells of one model, in each worker and in all together."""

    def __init__(self, labels: Mapping[str, str], parts: Sequence[Sequence[float]]) -> None:
        self.labels = labels
        self.parts = parts
        self.total = [sum(cells) for cells in zip(*parts, strict=True)]


def write_text(metrics: Metrics, info: Mapping[str, str]) -> bytes:
    """Write all counters; `info` are the labels that say what is served."""
    return "".join(f"{line}\n" for line in _lines(metrics, info)).encode()


def _lines(metrics: Metrics, info: Mapping[str, str]) -> Iterator[str]:
    rows = metrics.rows()
    yield from _family("info", "gauge", "What is served, and by which version of the server.", [("", info, 1)])
    yield "# HELP process_start_time_seconds When the server was started, in seconds since 1970."
    yield "# TYPE process_start_time_seconds gauge"
    yield f"process_start_time_seconds {metrics.began:.3f}"
    yield from _family("workers", "gauge", "Workers that are serving.", [("", {}, metrics.serving())])
    for cell, name, kind, text in (
        ("in_flight", "in_flight", "gauge", "Requests being answered."),
        ("connections", "connections", "gauge", "Open connections."),
        ("started", "workers_started_total", "counter", "Workers started; more than serve where some were replaced."),
        ("dropped", "log_lines_dropped_total", "counter", "Lines of the log that nobody read in time."),
        ("left_out", "log_requests_left_out_total", "counter", "Requests without a line, as there were too many."),
    ):
        value = sum(row[WORKER_AT[cell]] for row in rows)
        yield from _family(name, kind, text, [("", {}, value)])
    yield from _model_lines(_models(metrics, rows))


def _models(metrics: Metrics, rows: Sequence[Sequence[float]]) -> list[_Model]:
    labels = [("", ""), *((model.name, str(model.version)) for model in metrics.models)]
    found = []
    for place, (name, version) in enumerate(labels):
        at = WORKER_CELLS + place * MODEL_CELLS
        found.append(_Model({"model": name, "version": version}, [row[at : at + MODEL_CELLS] for row in rows]))
    return found


def _model_lines(models: Sequence[_Model]) -> Iterator[str]:
    text = "Requests answered, by HTTP status; without a model those that are for none, such as probes."
    codes = _each(models, "statuses", "code", STATUSES)
    given = (sample for sample in codes if sample[2] or int(sample[1]["code"]) in OWN_STATUSES)
    yield from _family("requests_total", "counter", text, given)
    text = "Requests answered with an error, by its code."
    yield from _family("refused_total", "counter", text, _each(models, "reasons", "reason", REASONS))
    text = "Seconds from the arrival of a whole request to its answer."
    yield from _histogram("request_seconds", text, models, "request")
    own = models[1:]
    rows = [("", one.labels, one.total[MODEL_AT["rows_sum"]]) for one in own]
    yield from _family("rows_total", "counter", "Rows that models have run on.", rows)
    yield from _histogram("batch_rows", "Rows of one run of a model.", own, "rows")
    text = "Seconds that the first request of a run waited for it."
    yield from _histogram("queue_seconds", text, own, "queue")
    yield from _histogram("model_seconds", "Seconds of one run of a model.", own, "run")
    text = "Workers that run the model in the event loop, and in a thread."
    yield from _family("model_workers", "gauge", text, _places(own))
    text = "Seconds that a run takes of late, before any that of the model's sample takes; the slowest worker's."
    measured = [("", one.labels, max(part[MODEL_AT["measured"]] for part in one.parts)) for one in own]
    yield from _family("model_recent_seconds", "gauge", text, [sample for sample in measured if sample[2]])


def _each(models: Iterable[_Model], group: str, label: str, values: Iterable[object]) -> Iterator[Sample]:
    for one in models:
        for at, value in enumerate(values, MODEL_AT[group]):
            yield "", {**one.labels, label: str(value)}, one.total[at]


def _places(models: Iterable[_Model]) -> Iterator[Sample]:
    for one in models:
        for place, code in (("loop", LOOP), ("thread", THREAD)):
            workers = sum(part[MODEL_AT["threaded"]] == code for part in one.parts)
            yield "", {**one.labels, "place": place}, workers


def _histogram(name: str, text: str, models: Iterable[_Model], group: str) -> Iterator[str]:
    bounds = [*map(str, SIZES if group == "rows" else BUCKETS), "+Inf"]
    samples: list[Sample] = []
    for one in models:
        counts = one.total[MODEL_AT[group] : MODEL_AT[group] + len(bounds)]
        for bound, count in zip(bounds, accumulate(counts), strict=True):
            samples.append(("_bucket", {**one.labels, "le": bound}, count))
        samples.append(("_sum", one.labels, one.total[MODEL_AT[f"{group}_sum"]]))
        samples.append(("_count", one.labels, sum(counts)))
    yield from _family(name, "histogram", text, samples)


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {_PREFIX}{name} {text}"
    yield f"# TYPE {_PREFIX}{name} {kind}"
    for suffix, labels, value in samples:
        pairs = ",".join(f'{label}="{given.translate(_ESCAPES)}"' for label, given in labels.items())
        labelled = f"{{{pairs}}}" if pairs else ""
        yield f"{_PREFIX}{name}{suffix}{labelled} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
