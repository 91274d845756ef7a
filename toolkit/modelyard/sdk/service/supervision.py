"""Keeping a service as it should be: what died is started again, what nobody needs ends."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator

from modelyard.errors import ModelyardError
from modelyard.runner.errors import LeaseLostError
from modelyard.sdk.service.held import Held
from modelyard.sdk.service.keys import client_keys
from modelyard.sdk.service.observation import Observation
from modelyard.sdk.service.recent import Recent
from modelyard.sdk.service.replicas import Replicas
from modelyard.sdk.service.traffic import Traffic

_PAUSE = 1.0
"""Seconds between two looks at the places."""
_LONGEST = 60.0
"""Seconds until a replica that does not start is started again, at most."""

_log = logging.getLogger(__name__)


class Supervision:
    """Looks after one service, as long as one runner does; it remembers what keeps failing."""

    def __init__(self) -> None:
        self._next = 0.0
        self._failures: dict[int, int] = {}
        self._again: dict[int, float] = {}
        self._told: dict[int, str] = {}
        self._recent = Recent()
        self._keys = b""

    def step(self, held: Held, replicas: Replicas, traffic: Traffic, observation: Observation) -> None:
        """Look at the service, if it is time, and mend what is wrong with it; what cannot be mended is written down."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE  # replicas that it starts have it called meanwhile
        self.sweep(held, replicas)
        problems = [problem for number in self._needed(held) if (problem := self._tend(held, replicas, number))]
        try:
            self._direct(held, traffic, observation)
        except LeaseLostError:
            raise
        except (ModelyardError, OSError) as error:
            problems.append(str(error))
        if (problem := "; ".join(problems)[:1000]) != held.standing.problem:
            held.advance(standing=held.stand(problem=problem))
        self._next = time.monotonic() + _PAUSE

    def sweep(self, held: Held, replicas: Replicas) -> None:
        """End what nobody needs any more."""
        now = dt.datetime.now(dt.UTC)
        standby = {number: until for number, until in held.standing.standby.items() if until > now}
        if standby != held.standing.standby:
            held.advance(standing=held.stand(standby=standby))
        needed = {held.standing.serving, *standby, *([held.rollout.revision] if held.rollout is not None else [])}
        for revision in held.look.revisions:
            if revision.number not in needed and revision.replicas:
                replicas.clear(revision.number)

    def _direct(self, held: Held, traffic: Traffic, observation: Observation) -> None:
        """Have the router do what it should, with the keys that are in force."""
        keys = client_keys(held.folder).read_bytes()
        traffic.restore(observation.current, anew=keys != self._keys)
        self._keys = keys
        self._recent.note(held, traffic)

    def _needed(self, held: Held) -> Iterator[int]:
        """Name the revisions that should run; one that is being started is the rollout's own business."""
        if held.standing.serving is not None:
            yield held.standing.serving
        if (rollout := held.rollout) is not None and rollout.stage >= 0 and rollout.revision != held.standing.serving:
            yield rollout.revision

    def _tend(self, held: Held, replicas: Replicas, number: int) -> str:
        """Mend a revision, and say what does not work; what does not start is not tried all the time."""
        if number in replicas.starting or time.monotonic() < self._again.get(number, 0.0):
            return self._told.get(number, "")
        try:
            self._told[number] = self._mend(held, replicas, number)
        except LeaseLostError:
            raise
        except (ModelyardError, OSError) as error:
            self._failures[number] = self._failures.get(number, 0) + 1
            self._again[number] = time.monotonic() + min(_LONGEST, 2.0 ** self._failures[number])
            self._told[number] = f"a replica of revision {number} does not start: {error}"
        else:
            self._failures.pop(number, None)
        return self._told[number]

    def _mend(self, held: Held, replicas: Replicas, number: int) -> str:
        """Start what is missing of a revision and retire what is too much; say which replicas are not ready.

        What is retired ends at the next look: by then the router has stopped sending to it.
        """
        count = held.info.settings.replicas
        seen = replicas.observe(number)
        ready = held.look.revision(number).ready
        dead = [one for one in ready if seen[one.number].state == "stopped"]
        for one in dead:
            _log.warning("%s/%s: replica %s: %s", held.name, number, one.number, seen[one.number].detail)
        missing = count + len(dead) - len(ready)
        if missing > 0 and number not in self._failures:  # told before the start of others, which takes a while
            why = f": {seen[dead[0].number].detail}" if dead else ""
            self._told[number] = f"{missing} of {count} replicas of revision {number} do not run{why}"
            held.advance(standing=held.stand(problem=self._told[number]))
        replicas.fill(number, count + len(dead))
        alive = [one for one in held.look.revision(number).ready if one not in dead]
        replicas.retire(number, [*dead, *alive[count:]])
        unready = {one: look.detail for one, look in seen.items() if look.state in ("unready", "unknown")}
        return "; ".join(
            f"replica {one} of revision {number} is not ready: {detail}" for one, detail in unready.items()
        )
