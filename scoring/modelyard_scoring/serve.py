"""What the command does: read settings and folder, then serve until stopped."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence

from msgspec import structs

from modelyard_scoring.command.bare import read_file
from modelyard_scoring.command.check import check
from modelyard_scoring.command.trial import try_in_child
from modelyard_scoring.credentials.certificates import read_certificates
from modelyard_scoring.credentials.keys import read_keys
from modelyard_scoring.debugger import check_debugger
from modelyard_scoring.errors import SettingError, StartError
from modelyard_scoring.failure import START_FAILED, STDERR, Failure
from modelyard_scoring.master import Master, Plan
from modelyard_scoring.rpc.door import Reserved
from modelyard_scoring.service.folder import Service, read_service
from modelyard_scoring.service.scored import scored_models
from modelyard_scoring.settings import Settings, read_settings
from modelyard_scoring.sockets.listeners import check_free
from modelyard_scoring.telemetry import log
from modelyard_scoring.telemetry.metrics import Metrics
from modelyard_scoring.telemetry.tracing import check_tracing

_A_DAY = 86_400.0
_log = logging.getLogger(__name__)


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve until stopped; return the exit status: 2 for a wrong setting, 3 when the start failed."""
    try:
        settings = read_settings(arguments, environ)
    except SettingError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    log.log_to_stderr(settings.log_level)
    if settings.failure_file is not None and settings.failure_file != STDERR:
        settings.failure_file.unlink(missing_ok=True)
    phase = "settings"
    try:
        _check_options(settings, arguments)
        keys = read_keys(settings)
        certificates = read_certificates(settings)
        phase = "folder"
        service = _for_author(settings)
        if settings.check == "on":
            return _checked(settings, service)
        slots = 2 * settings.workers + 8  # a reload has both the old and the new workers
        metrics = Metrics(slots, scored_models(service))
        phase = "listen"
        check_free(settings, environ)
        plan = Plan(
            settings=settings,
            service=service,
            keys=keys,
            certificates=certificates,
            metrics=metrics,
            reserved=Reserved.of(settings),
        )
        Master(plan, arguments, environ).run()
    except SystemExit as end:
        if end.code:
            text = f"The server ended with status {end.code}; is {settings.host}:{settings.port} free?"
            Failure.of(phase, StartError(text, "The log says more.")).write(settings.failure_file)
        raise
    except (StartError, OSError) as error:
        return _failed(settings, phase, error)
    return 0


def _failed(settings: Settings, phase: str, error: Exception) -> int:
    failure = Failure.of(phase, error)
    if isinstance(error, StartError):
        sys.stderr.write(f"{error}\n")
    else:
        failure.log()
    failure.write(settings.failure_file)
    return START_FAILED


def _check_options(settings: Settings, arguments: Sequence[str]) -> None:
    if settings.trace_endpoint is not None:
        check_tracing()
    if any(argument.split("=")[0] == "--key" for argument in arguments):
        _log.warning(
            "Everybody on this machine can see --key in the list of processes: "
            "give the key as the variable MODELYARD_SCORING_KEY, or give --keys-file."
        )


def _checked(settings: Settings, service: Service) -> int:
    if settings.touched_file is not None:
        return try_in_child(lambda trial: check(settings, service, trial), settings, settings.touched_file)
    failure = check(settings, service)
    if failure is None:
        return 0
    failure.write(settings.failure_file)
    return START_FAILED


def _for_author(settings: Settings) -> Service:
    """Read what is served, and give those who debug all the time they want."""
    service = read_service(settings.folder) if settings.file is None else read_file(settings.file)
    if settings.debug == "off":
        return service
    check_debugger()
    return structs.replace(service, limits=structs.replace(service.limits, timeout=_A_DAY))
