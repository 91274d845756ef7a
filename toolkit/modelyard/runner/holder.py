"""One who holds leases: takes them, renews them in the background, and knows when it has lost one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from msgspec import Struct

from modelyard.runner.errors import LeaseHeldError, LeaseLostError
from modelyard.runner.lease import TTL, AcquireLease, LeaseInfo, ReleaseLease, RenewLease
from modelyard.runner.leases import Leases

_BEATS = 5
"""Signs of life, and looks at what others hold, in a lease's time."""

_log = logging.getLogger(__name__)

Clock = Callable[[], float]


class Lease:
    """A lease that this process holds, for as long as `check` passes.

    Parameters
    ----------
    key
        What it is for.
    token
        What writes under it are fenced with.
    failures
        How often in a row its work has failed.
    """

    def __init__(self, info: LeaseInfo, asked: float, clock: Clock) -> None:
        self.key = info.key
        self.token = info.token
        self.failures = info.failures
        self._ttl = info.ttl
        self._clock = clock
        self._until = asked + info.ttl
        self._lost = False

    @property
    def is_lost(self) -> bool:
        """Whether another may hold it by now; once lost it stays lost."""
        if self._clock() >= self._until:
            self._lost = True
        return self._lost

    def check(self) -> None:
        """Pass if nobody else can hold it yet.

        It was renewed within its time, counted from before the renewal was sent: a contender counts from later on.

        Raises
        ------
        LeaseLostError
            If it was not renewed in time, or another has it.
        """
        if self.is_lost:
            raise LeaseLostError(self.key, self.token)

    def prolong(self, asked: float) -> None:
        """Count its time from `asked`, when a renewal that succeeded was sent."""
        self._until = max(self._until, asked + self._ttl)

    def lose(self) -> None:
        """Know it for lost."""
        self._lost = True


class _Seen(Struct, frozen=True):
    """What was seen of a lease that another holds: since when it stands still, and when to look again."""

    token: int
    beat: int
    ttl: float
    since: float
    again: float


class Holder:
    """Holds any number of leases for one process; use it with ``with``.

    Parameters
    ----------
    name
        Who others are told that holds them.
    ttl
        Seconds of silence after which others may take them.
    clock
        Never goes backwards; nobody else's clock is asked.
    """

    def __init__(self, leases: Leases, name: str, *, ttl: float = TTL, clock: Clock = time.monotonic) -> None:
        self.name = name
        self.ttl = ttl
        self._leases = leases
        self._clock = clock
        self._held: dict[str, Lease] = {}
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        self._closed.clear()
        self._thread = threading.Thread(target=self._go_on, name="leases", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    def acquire(self, key: str) -> Lease | None:
        """Take a lease that is free, or whose holder has been silent for its time; None while another holds it."""
        seen = self._seen.get(key)
        asked = self._clock()
        if seen is not None and asked < seen.again:
            return None
        stands = None if seen is None or asked < seen.since + seen.ttl else (seen.token, seen.beat)
        token, beat = stands or (None, None)
        wanted = AcquireLease(holder=self.name, ttl=self.ttl, token=token, beat=beat)
        try:
            info = self._leases.acquire(key, wanted)
        except LeaseHeldError as held:
            self._seen[key] = self._look(held, seen)
            return None
        self._seen.pop(key, None)
        taken = Lease(info, asked, self._clock)
        with self._lock:
            self._held[key] = taken
        return taken

    def report(self, lease: Lease, reason: str) -> None:
        """Keep with the lease why its work failed; an empty reason says that it succeeded.

        Raises
        ------
        LeaseLostError
            If another has it.
        """
        asked = self._clock()
        lease.failures = self._leases.renew(lease.key, RenewLease(token=lease.token, reason=reason)).failures
        lease.prolong(asked)

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that is lost is only forgotten."""
        self.forget(lease)
        with suppress(LeaseLostError):
            self._leases.release(lease.key, ReleaseLease(token=lease.token))

    def forget(self, lease: Lease) -> None:
        """Renew a lease no longer: others may have it when its time is over."""
        lease.lose()
        with self._lock:
            if self._held.get(lease.key) is lease:
                del self._held[lease.key]

    def renew(self) -> None:
        """Give a sign of life for each lease that is held; what is lost is forgotten."""
        with self._lock:
            held = list(self._held.values())
        for lease in held:
            self._renew(lease)

    def _renew(self, lease: Lease) -> None:
        asked = self._clock()
        try:
            if not lease.is_lost:
                self._leases.renew(lease.key, RenewLease(token=lease.token))
                lease.prolong(asked)
        except LeaseLostError:
            lease.lose()
        except Exception as error:  # noqa: BLE001 - what stops one renewal must not stop the next
            _log.warning("The lease %s could not be renewed: %s", lease.key, error)
        if lease.is_lost:
            self.forget(lease)

    def _look(self, held: LeaseHeldError, before: _Seen | None) -> _Seen:
        now = self._clock()  # after the answer: its holder has counted from before
        moved = before is None or (held.token, held.beat) != (before.token, before.beat)
        since = now if before is None or moved else before.since
        return _Seen(held.token, held.beat, held.ttl, since, min(now + held.ttl / _BEATS, max(now, since + held.ttl)))

    def _go_on(self) -> None:
        while not self._closed.wait(self.ttl / _BEATS):
            self.renew()
