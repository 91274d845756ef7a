"""The queues before the models of a service, and the requests that came before the models were ready."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from modelyard_scoring.background import Background
from modelyard_scoring.engines import DescribingEngine, Host, RelayingEngine
from modelyard_scoring.errors import NotReadyError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.server import Server
from modelyard_scoring.queues.batch import Lane
from modelyard_scoring.queues.delivery import Delivery
from modelyard_scoring.queues.place import Place
from modelyard_scoring.queues.queue import Queue
from modelyard_scoring.queues.relay import Relay
from modelyard_scoring.queues.startup import Loaded
from modelyard_scoring.service.folder import Service
from modelyard_scoring.service.schema import Described
from modelyard_scoring.telemetry.metrics import Metrics
from modelyard_scoring.turns import Turns


class Lanes:
    """One lane for each model that answers requests, once the models are ready.

    Attributes
    ----------
    turns
        Where large bodies are read.
    host
        What answers in place of lanes: an application, once it is ready.
    """

    def __init__(self, service: Service, metrics: Metrics, server: Server) -> None:
        self._service = service
        self._metrics = metrics
        self._server = server
        self._lanes: dict[str, Queue] = {}
        self._places: list[Place] = []
        self._relaying: list[RelayingEngine] = []
        self._held: list[Exchange] = []
        self.turns = Turns(asyncio.get_running_loop().call_soon, service.limits.max_queue)
        self.host: Host | None = None

    def open(self, loaded: Sequence[Loaded], thread: Background, loop: asyncio.AbstractEventLoop) -> None:
        """Serve models that are ready; what blocks runs in the thread that loaded it, long models in their own."""
        for one in loaded:
            if isinstance(one.engine, Host):
                self.host = one.engine
            elif isinstance(one.engine, RelayingEngine):
                self._open_relay(one, one.engine)
            else:
                self._open_lane(one, thread, loop)

    def _open_relay(self, one: Loaded, engine: RelayingEngine) -> None:
        counters = self._server.counters.of(one.model.name)
        counters.placed(in_thread=True, seconds=one.seconds)
        self._lanes[one.model.name] = Relay(engine, self._service.limits.max_queue, counters.ran)
        self._relaying.append(engine)

    def _open_lane(self, one: Loaded, thread: Background, loop: asyncio.AbstractEventLoop) -> None:
        limits, run_in = self._service.limits, self._server.settings.run_in
        counters = self._server.counters.of(one.model.name)
        at_once: int = getattr(one.engine, "at_once", 1) if one.engine.blocks else 1
        threads = thread if one.engine.blocks else Background(loop, one.model.name)
        threads.grow(at_once)
        submit = threads.submit if runs_in_thread(run_in, one) else None
        lane = Lane(one.engine, limits, soon=loop.call_soon, submit=submit, ran=counters.ran, at_once=at_once)
        lane.deliver = Delivery(self._server)
        lane.aside = threads.submit if run_in == "auto" else None
        self._lanes[one.model.name] = lane
        place = Place(lane, threads, counters, in_thread=submit is not None)
        place.note(one.seconds)
        if run_in == "auto" and not one.engine.blocks:
            self._places.append(place)

    def reconsider(self) -> None:
        """Move models between the loop and their threads, as their runs have become longer or shorter."""
        for place in self._places:
            place.reconsider()

    def able(self) -> bool:
        """Whether all models answer, or will in a moment."""
        return all(engine.able() for engine in self._relaying)

    def find(self, name: str) -> Queue | None:
        """Give the lane of a model; None before the models are ready."""
        return self._lanes.get(name)

    def described(self) -> dict[str, Described]:
        """Give what engines that are ready say of themselves, by the models' names."""
        engines = {name: lane.engine for name, lane in self._lanes.items()}
        return {name: one.describe() for name, one in engines.items() if isinstance(one, DescribingEngine)}

    def hold(self, exchange: Exchange) -> None:
        """Keep a request until the models are ready, if other workers made the service seem so.

        Raises
        ------
        NotReadyError
            If none did, or as many are kept as may.
        """
        if not self._metrics.serving() or len(self._held) >= self._service.limits.max_queue:
            raise NotReadyError(self._server.counters.phase)
        self._held.append(exchange)

    def handle_held(self) -> None:
        """Carry out the requests that came while the models were being loaded."""
        held, self._held = self._held, []
        for exchange in held:
            if exchange.wanted:
                self._server.handle(exchange)

    async def shut_down(self, grace: float) -> None:
        """Let an application end what it does after its answers, within `grace` seconds if it waits for anything."""
        if self.host is not None:
            await self.host.shut_down(grace)

    def give_up_if_stuck(self) -> bool:
        """Tell whether a script's run never ends; then those waiting behind it are told to try again."""
        timeout = self._service.limits.timeout
        stuck = any(lane.engine.blocks and lane.stuck(timeout) for lane in self._lanes.values())
        if self.host is not None and self.host.stuck(timeout):
            stuck = True
            self.host.abandon(NotReadyError("restarting"))
        if stuck:
            for lane in self._lanes.values():
                lane.abandon(NotReadyError("restarting"))
        return stuck


def runs_in_thread(run_in: str, loaded: Loaded) -> bool:
    """Decide where a model runs; what blocks is never run in the loop."""
    if run_in == "auto" or loaded.engine.blocks:
        return loaded.long
    return run_in == "thread"
