"""gunicorn as the master: it holds the socket, starts workers, and replaces those that die."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from msgspec import Struct
from msgspec.structs import replace

from modelyard_scoring.credentials.certificates import Certificates
from modelyard_scoring.credentials.keys import Keys
from modelyard_scoring.credentials.renewal import renew
from modelyard_scoring.failure import START_FAILED, Failure
from modelyard_scoring.rpc.door import Reserved
from modelyard_scoring.service.folder import Service
from modelyard_scoring.settings import Settings, read_settings
from modelyard_scoring.sockets.listeners import check_listeners
from modelyard_scoring.starts import FailedStarts
from modelyard_scoring.telemetry.metrics import STARTED, Metrics
from modelyard_scoring.threads import engine_threads
from modelyard_scoring.worker import ScoringWorker

_log = logging.getLogger(__name__)
_WORKER_TIMEOUT = 60  # seconds without a sign of life from the event loop


class Plan(Struct, frozen=True, kw_only=True):
    """All that a worker needs to know.

    Parameters
    ----------
    inherited
        Whether another server may serve at the same socket.
    """

    settings: Settings
    service: Service
    keys: Keys | None
    certificates: Certificates | None
    metrics: Metrics
    inherited: bool = False
    reserved: Reserved | None = None


class WorkerDiedError(Exception):
    """A worker ended before it could serve, without saying why."""

    def __init__(self, phase: str) -> None:
        super().__init__(
            f"A worker was killed in the phase {phase!r}: by the system for want of memory, "
            "or by a fault in compiled code. The log names the signal."
        )


class Master(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """The application that gunicorn's master runs."""

    def __init__(self, plan: Plan, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.plan = plan
        self._arguments = tuple(arguments)
        self._environ = dict(environ)
        self._taken: set[int] = set()
        self._failed_starts = FailedStarts()
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up; its own files, options and variables are not read."""
        settings = self.plan.settings
        shared_memory = Path("/dev/shm")  # noqa: S108 - gunicorn makes a private file there
        chosen = {
            "bind": _addresses(settings),
            "workers": settings.workers,
            "worker_class": ScoringWorker,
            "logger_class": _GunicornLog,
            "loglevel": settings.log_level,
            "timeout": _WORKER_TIMEOUT,
            "graceful_timeout": int(settings.graceful_timeout) + 2,
            "control_socket_disable": True,
            "worker_tmp_dir": str(shared_memory) if os.access(shared_memory, os.W_OK) else None,
            "proc_name": f"modelyard-scoring {self.plan.service.name}",
            "when_ready": self._listening,
            "on_reload": self._reloading,
            "pre_fork": self._before_fork,
            "child_exit": self._after_exit,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def reload(self) -> None:
        """Read settings, keys and certificates again for the workers to come."""
        self.plan = renew(self.plan, lambda: read_settings(self._arguments, self._environ))
        super().reload()

    def load(self) -> None:
        """Load nothing in the master."""

    def _listening(self, arbiter: Arbiter) -> None:
        settings, service = self.plan.settings, self.plan.service
        check_listeners([listener.sock for listener in arbiter.LISTENERS], settings)
        inherited = arbiter.systemd or settings.fd is not None or arbiter.master_pid != 0
        self.plan = replace(self.plan, inherited=inherited)
        arbiter.systemd = False  # its descriptors are not where systemd put them: a new master is told their numbers
        arbiter.START_CTX["args"] = [sys.executable, "-m", "modelyard_scoring", *self._arguments]
        urls = [str(listener) for listener in arbiter.LISTENERS]
        if settings.tls_cert_file is not None:
            urls[0] = urls[0].replace("http://", "https://", 1)
        _log.info(
            "Serving %s (%s) at %s with %d workers of %d engine threads.",
            service.name,
            ", ".join(str(model) for model in service.models) or "its own code",
            ", ".join(urls),
            settings.workers,
            settings.threads or engine_threads(settings.workers),
        )
        if settings.address_file is not None:
            temporary = settings.address_file.with_name(f".{settings.address_file.name}.{os.getpid()}")
            more = {"admin_url": urls[1]} if settings.admin_port is not None else {}
            if self.plan.reserved is not None:
                more["grpc_address"] = self.plan.reserved.address
            temporary.write_bytes(msgspec.json.encode({"url": urls[0], **more, "pid": os.getpid()}))
            temporary.replace(settings.address_file)

    def _before_fork(self, _arbiter: Arbiter, worker: ScoringWorker) -> None:
        """Give a worker the first row of counters that no living worker has."""
        free = (slot for slot in range(self.plan.metrics.slots) if slot not in self._taken)
        worker.slot = next(free, 0)
        self._taken.add(worker.slot)
        counters = self.plan.metrics.counters(worker.slot)
        counters.started()
        counters.generation = self.plan.metrics.generation

    def _reloading(self, _arbiter: Arbiter) -> None:
        """Begin a new generation; workers of earlier ones serve until one of it does."""
        self.plan.metrics.generation += 1

    def _after_exit(self, arbiter: Arbiter, worker: ScoringWorker) -> None:
        """Free a worker's row; end the server when workers cannot start."""
        metrics = self.plan.metrics
        counters = metrics.counters(worker.slot)
        phase, replaced = counters.phase, counters.generation < metrics.generation
        counters.reset_gauges()
        self._taken.discard(worker.slot)
        stopping = not arbiter.LISTENERS
        if phase in STARTED or replaced or stopping:
            return
        served, serving = metrics.served(), metrics.serving()
        workers = self.plan.settings.workers
        if self._failed_starts.give_up(served=served, serving=serving, workers=workers, now=time.monotonic()):
            Failure.of(phase, WorkerDiedError(phase)).write(self.plan.settings.failure_file)
            raise HaltServer(f"No worker could start: the phase {phase!r} failed.", START_FAILED)


def _addresses(settings: Settings) -> list[str]:
    if settings.fd is not None and "GUNICORN_FD" not in os.environ:  # a master that succeeds another inherits its own
        return [f"fd://{settings.fd}"]
    places = [(settings.host, settings.port)]
    if settings.admin_port is not None:
        places.append((settings.admin_host or settings.host, settings.admin_port))
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in places]


class _GunicornLog(logging.LoggerAdapter[logging.Logger]):
    """Sends gunicorn's own messages where all others go; its own class imports what rotates logs."""

    def __init__(self, cfg: Any) -> None:
        super().__init__(logging.getLogger("gunicorn.error"), {})
        self.setup(cfg)

    def setup(self, cfg: Any) -> None:
        """Follow the settings, which a reload changes."""
        self.cfg = cfg
        self.setLevel(cfg.loglevel.upper())

    def reopen_files(self) -> None:
        """Do nothing: there are no files."""

    def close_on_exec(self) -> None:
        """Do nothing: there are no files."""
