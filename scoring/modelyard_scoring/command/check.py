"""A start without serving: models are loaded and answer their samples, and that is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from modelyard_scoring.command.trial import Trial
from modelyard_scoring.failure import Failure
from modelyard_scoring.queues.lanes import runs_in_thread
from modelyard_scoring.queues.startup import Loaded, load_models, placement
from modelyard_scoring.service.folder import Service
from modelyard_scoring.service.scored import scored_models
from modelyard_scoring.settings import Settings


def check(settings: Settings, service: Service, trial: Trial | None = None) -> Failure | None:
    """Load and warm up all models, and print a line for each; give the failure if there is one.

    Parameters
    ----------
    trial
        Where to tell the phases, and to have noted what the code touches.
    """
    phases = ["verify"]

    def enter(phase: str) -> None:
        phases.append(phase)
        if trial is not None:
            trial.tell("phase", phase)

    try:
        loaded = asyncio.run(_load(settings, service, enter, None if trial is None else str(trial.notes)))
    except BaseException as error:  # noqa: BLE001 - a script may raise anything, SystemExit too
        failure = Failure.of(phases[-1], error, settings.folder)
        failure.log()
        return failure
    for one in loaded:
        sys.stdout.write(f"{_told(settings, one)}\n")
    sys.stdout.flush()
    return None


async def _load(settings: Settings, service: Service, enter: Callable[[str], None], notes: str | None) -> list[Loaded]:
    """Load in a thread beside a loop, as a worker does: an application runs in that loop."""
    place = placement(settings, service, asyncio.get_running_loop(), notes)
    return await asyncio.to_thread(load_models, place, scored_models(service), enter)


def _told(settings: Settings, loaded: Loaded) -> str:
    if loaded.seconds is None:
        tried = "it has no sample, so that it was not tried"
    else:
        tried = "it answers its sample as recorded" + (f" in {loaded.seconds * 1000:.3g} ms" if loaded.seconds else "")
    joins = "requests are joined" if loaded.engine.joins else "requests run one by one"
    place = "in a thread" if runs_in_thread(settings.run_in, loaded) else "in the event loop"
    return f"{loaded.model}: {tried}; {joins}, {place}."
