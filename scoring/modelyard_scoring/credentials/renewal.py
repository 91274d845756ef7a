"""What a reload changes: settings, keys and certificates are read again, wholly or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelyard_scoring.credentials.certificates import read_certificates
from modelyard_scoring.credentials.keys import read_keys
from modelyard_scoring.errors import StartError
from modelyard_scoring.settings import OPTIONS, Settings

if TYPE_CHECKING:
    from modelyard_scoring.master import Plan

_log = logging.getLogger(__name__)


def renew(plan: Plan, read: Callable[[], Settings]) -> Plan:
    """Give the plan of the workers to come; where something cannot be used, it is the plan as it was."""
    try:
        settings = _keep_fixed(plan.settings, read())
        keys = read_keys(settings)
        certificates = read_certificates(settings)
    except StartError as error:
        _log.error("The settings stay as they were: %s", error)
        return plan
    logging.getLogger().setLevel(settings.log_level.upper())
    changed = [option.name for option in OPTIONS if _differ(plan.settings, settings, option.name)]
    _log.info("The settings were read again; changed: %s.", ", ".join(changed) or "none")
    return replace(plan, settings=settings, keys=keys, certificates=certificates)


def _keep_fixed(former: Settings, settings: Settings) -> Settings:
    """Keep what is true of the sockets and the shared memory that there are."""
    fixed = [option.name for option in OPTIONS if option.fixed and _differ(former, settings, option.name)]
    if fixed:
        _log.warning("These settings take effect with a restart: %s.", ", ".join(fixed))
    return replace(settings, **{name: getattr(former, name) for name in fixed})


def _differ(former: Settings, settings: Settings, name: str) -> bool:
    return bool(getattr(former, name) != getattr(settings, name))
