"""The loop that brings what is to what is wanted, whatever that is: it asks reconcilers, under leases."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from msgspec import Struct

from modelyard.runner.bell import Bell
from modelyard.runner.errors import LeaseLostError
from modelyard.runner.holder import Holder, Lease
from modelyard.runner.lease import TTL, lease_key
from modelyard.runner.leases import Leases

AT_ONCE = 32
"""How many things one runner looks after at a time, each in a thread of its own."""
_FIRST, _LONGEST = 1.0, 60.0
"""Seconds before a step that failed is tried again: after the first failure, and at most."""
_PATIENCE = 600.0
"""Seconds without one answer to what is due, after which a runner that may end gives up."""

_log = logging.getLogger(__name__)


class Reconciler(Protocol):
    """Knows one kind of thing that is wanted, and the next step towards it."""

    @property
    def kind(self) -> str:
        """What the things are called; a name."""

    def due(self) -> Iterable[str]:
        """Name the things that are not yet as they are wanted; about twice a second, and in the threads of steps."""

    def step(self, key: str, lease: Lease) -> float | None:
        """Carry out the next step, and return the seconds until the one after it, or None when nothing is left.

        A step may be begun again after any of its instructions: it finds out what is done already, is committed in one
        transaction, and writes only behind ``fence(database, lease.key, lease.token)``. Before it changes anything
        else, ``lease.check()``. What it raises is kept with the lease, and while the thing is due the step is tried
        again after a while.
        """


class Pace(Struct, frozen=True, kw_only=True):
    """How a runner goes, in seconds.

    Parameters
    ----------
    ttl
        Silence after which others may take what it holds.
    look
        Between two looks at what is due.
    idle
        With nothing due, until it ends; None for never.
    first, longest
        Before a step that failed is tried again: after the first failure, and at most.
    """

    ttl: float = TTL
    look: float = 0.5
    idle: float | None = None
    first: float = _FIRST
    longest: float = _LONGEST


class Runner:
    """Carries out the steps of reconcilers; any number of runners may share the work.

    Parameters
    ----------
    name
        Who others are told that holds the leases.
    """

    def __init__(self, leases: Leases, reconcilers: Sequence[Reconciler], name: str, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self._reconcilers = tuple(reconcilers)
        self._holder = Holder(leases, name, ttl=self.pace.ttl)
        self._in_hand: set[str] = set()
        self._told = False
        self._ending = threading.Event()
        self._bell = Bell()

    def run(self) -> None:
        """Go on until told to stop, or until there has been nothing to do for the idle time.

        When it returns no step runs, and no lease is held. One that may end raises what has kept it from finding out
        what is due for ten minutes.
        """
        self._ending.clear()
        with self._holder, ThreadPoolExecutor(AT_ONCE, "step") as pool:
            try:
                self._look_after(pool)
            finally:
                self._ending.set()
                self.wake()

    def wake(self) -> None:
        """Have it look at once for what is due, and carry out steps that were to wait, but not those that failed."""
        self._bell.ring()

    def stop(self) -> None:
        """Ask it to end at the next boundary between steps; a signal's handler may call this."""
        self._told = True  # no lock, which the interrupted thread might hold

    @property
    def is_told(self) -> bool:
        """Whether it was asked to end."""
        return self._told

    def has_work(self) -> bool:
        """Ask whether anything is due; True also if that cannot be found out."""
        try:
            return self._is_any_due()
        except Exception as error:  # noqa: BLE001 - work that is not seen would be left undone
            _log.warning("What is due was not found out: %s", error)
            return True

    def _look_after(self, pool: ThreadPoolExecutor) -> None:
        answered, quiet = time.monotonic(), None
        while not self._told:
            rung = self._bell.rung
            found = [self._take_up(reconciler, pool) for reconciler in self._reconcilers]
            now = time.monotonic()
            if None not in found:
                answered = now
            elif self.pace.idle is not None and now >= answered + _PATIENCE:
                self._is_any_due()
            if None in found or any(found) or self._in_hand:
                quiet = None
            else:
                quiet = now if quiet is None else quiet
                if self.pace.idle is not None and now >= quiet + self.pace.idle:
                    return
            self._bell.wait(self.pace.look, rung)

    def _is_any_due(self) -> bool:
        return any(True for reconciler in self._reconcilers for _ in reconciler.due())

    def _take_up(self, reconciler: Reconciler, pool: ThreadPoolExecutor) -> bool | None:
        """Begin with what is due and nobody's; say whether anything is due, or None if that is not known."""
        found = False
        try:
            for name in reconciler.due():
                found = True
                key = lease_key(reconciler.kind, name)
                if key in self._in_hand or len(self._in_hand) >= AT_ONCE:
                    continue
                if (lease := self._holder.acquire(key)) is not None:
                    self._in_hand.add(key)
                    self._begin(pool, reconciler, name, lease)
        except Exception as error:  # noqa: BLE001 - of one kind of thing: the others are looked after meanwhile
            _log.warning("What is due of %s was not found out: %s", reconciler.kind, error)
            return None
        return found

    def _begin(self, pool: ThreadPoolExecutor, reconciler: Reconciler, name: str, lease: Lease) -> None:
        try:
            pool.submit(self._bring_about, reconciler, name, lease)
        except RuntimeError:  # no thread could be started: others may have it
            self._holder.forget(lease)
            self._in_hand.discard(lease.key)
            raise

    def _bring_about(self, reconciler: Reconciler, name: str, lease: Lease) -> None:
        wait: float | None = 0.0
        in_doubt = True  # it was due before the lease was taken: another may have done it meanwhile
        try:
            while wait is not None and not self._ending.is_set():
                rung = self._bell.rung
                wait = self._step(reconciler, name, lease, in_doubt)
                in_doubt = lease.failures > 0
                self._rest(wait or 0.0, None if in_doubt else rung)
            self._holder.release(lease)
        except LeaseLostError as error:
            _log.warning("%s", error)
        except Exception:  # noqa: BLE001 - of the leases themselves; a step's own is kept with its lease
            _log.exception("The lease %s is left to expire", lease.key)
        finally:
            self._holder.forget(lease)
            self._in_hand.discard(lease.key)

    def _step(self, reconciler: Reconciler, name: str, lease: Lease, in_doubt: bool) -> float | None:
        lease.check()
        try:
            wait = None if in_doubt and name not in reconciler.due() else reconciler.step(name, lease)
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - a step may raise anything, and is tried again
            _log.exception("A step of %s failed", lease.key)
            self._holder.report(lease, _told(error))
            return self._pause(lease.failures)
        if lease.failures:
            self._holder.report(lease, "")
        return wait

    def _rest(self, seconds: float, rung: int | None) -> None:
        """Let time pass until the next step, or until it ends; `rung` is how often others have not been heard."""
        if rung is None:
            self._ending.wait(seconds)
        else:
            self._bell.wait(seconds, rung)

    def _pause(self, failures: int) -> float:
        """Give the seconds after which a step that has failed is tried again."""
        longest = min(self.pace.longest, self.pace.first * 2.0 ** min(failures - 1, 30))
        return longest * random.uniform(0.5, 1)  # noqa: S311 - so that not all try at the same moment; no secret


def _told(error: Exception) -> str:
    """Say why in characters that any database keeps."""
    return f"{type(error).__name__}: {error}".encode(errors="replace").decode().replace("\0", "")
