"""From a model folder to engines that have shown that they answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

import orjson
from msgspec import Struct

from modelyard_scoring.answers import Answer, Reply
from modelyard_scoring.decoding.rows import Rows, other_row
from modelyard_scoring.engines import Author, Engine, JoiningEngine, Placement, make_engine
from modelyard_scoring.errors import RequestError, SampleError
from modelyard_scoring.http1.request import PlainRequest
from modelyard_scoring.service.folder import CODE_ENGINES, Sample, ServedModel, Service, verify_model
from modelyard_scoring.service.sample import find_difference
from modelyard_scoring.settings import Settings
from modelyard_scoring.threads import engine_threads

_log = logging.getLogger(__name__)
LONG = 0.002
"""Seconds of a run for which the event loop should not wait."""
_TRIALS = 5
_REFUSED, _SHOWN = 400, 500


class Loaded(Struct, frozen=True, kw_only=True):
    """A model that is ready.

    Parameters
    ----------
    seconds
        What one run of the sample takes; None without a sample.
    """

    model: ServedModel
    engine: Engine
    seconds: float | None

    @property
    def long(self) -> bool:
        """Whether a run takes so long that the event loop should not wait for it."""
        return self.engine.blocks or self.seconds is None or self.seconds > LONG


def placement(
    settings: Settings, service: Service, loop: asyncio.AbstractEventLoop | None = None, notes: str | None = None
) -> Placement:
    """Say where engines find their models, and what they may use.

    Parameters
    ----------
    loop
        The worker's, if there is one.
    notes
        The file for notes of what code touches; None for none.
    """
    debug_port = settings.debug_port if settings.debug == "on" else None
    return Placement(
        folder=settings.folder,
        service=service,
        limits=service.limits,
        threads=settings.threads or engine_threads(settings.workers),
        author=Author(reload=settings.reload == "on", debug_port=debug_port),
        loop=loop,
        notes=notes,
    )


def load_models(place: Placement, models: list[ServedModel], enter: Callable[[str], None]) -> list[Loaded]:
    """Verify, load and warm up each model, calling `enter` with each phase as it begins.

    Raises
    ------
    Exception
        Whatever a file, an engine or a script raises; the last phase entered says when.
    """
    return [_load(place, model, enter) for model in models]


def _load(place: Placement, model: ServedModel, entered: Callable[[str], None]) -> Loaded:
    def enter(phase: str) -> None:
        entered(phase)
        _log.info("The phase %s of %s begins.", phase, model)

    enter("verify")
    for one in place.service.models if model.engine in CODE_ENGINES else (model,):
        verify_model(place.folder, one)
    engine = make_engine(model, place)
    engine.load(enter)
    enter("warm-up")
    engine.joins = engine.joins and model.sample is not None  # what cannot be tried is not done
    seconds = None
    if model.sample is not None:
        seconds = _warm_up(model, model.sample, engine)
    return Loaded(model=model, engine=engine, seconds=seconds)


def _warm_up(model: ServedModel, sample: Sample, engine: Engine) -> float:
    """Run the sample, compare its answer, and take the time of one run."""
    work = engine.decode(PlainRequest(body=orjson.dumps(sample.request)))
    _compare(model, sample, engine.run([work])[0])
    if engine.joins and isinstance(engine, JoiningEngine) and not _joins_safely(engine, engine.rows(work)):
        engine.joins = False
        _log.warning("The model %s answers otherwise in a batch; its requests are run one by one.", model)
    times = []
    for _ in range(_TRIALS if not engine.blocks else 0):
        began = perf_counter()
        engine.run([work])
        times.append(perf_counter() - began)
    return min(times, default=0.0)


def _compare(model: ServedModel, sample: Sample, answer: Answer) -> None:
    # the recorded answer goes through JSON too, so that both sides have the types that JSON has
    wanted = orjson.loads(orjson.dumps(sample.answer))
    difference = find_difference(wanted, _content(answer), model.tolerance)
    if difference is not None:
        raise SampleError(str(model), difference.where, difference.wanted, difference.got)


def _joins_safely(engine: Engine, rows: Rows) -> bool:
    """Tell whether rows are answered in a batch with others as they are alone: in some models rows influence others."""
    other = other_row(rows)
    batch = [rows, other, rows, other]
    try:
        alone = [engine.run([one])[0] for one in (rows, other)] * 2
        together = engine.run(batch)
    except Exception:  # noqa: BLE001 - whatever it is, running requests one by one is right
        return False
    pairs = zip(alone, together, strict=True)
    return all(find_difference(_content(one), _content(same)) is None for one, same in pairs)


def _content(answer: Answer) -> Any:
    if isinstance(answer, RequestError):
        raise answer
    if not isinstance(answer, Reply):
        return orjson.loads(answer)
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        content = answer.body.decode("utf-8", "replace")
    return content if answer.status < _REFUSED else f"the status {answer.status}: {str(content)[:_SHOWN]}"
