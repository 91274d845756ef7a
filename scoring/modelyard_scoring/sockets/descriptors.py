"""How many files and connections a process may have open."""

from __future__ import annotations

import logging
import resource

_OTHERS = 200  # what is open beside connections: models, libraries, the log
_log = logging.getLogger(__name__)


def allow_connections(count: int) -> None:
    """Raise this process's limit of open files so that `count` connections fit, as far as it may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHERS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    if allowed < wanted:
        _log.warning("Only %d files may be open, too few for %d connections.", allowed, count)
