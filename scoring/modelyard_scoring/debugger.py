"""A debugger for authors of scripts: debugpy, which editors speak with."""

from __future__ import annotations

import logging

from modelyard_scoring.errors import MissingPackageError

_log = logging.getLogger(__name__)


def check_debugger() -> None:
    """Find out whether there is a debugger.

    Raises
    ------
    MissingPackageError
        If debugpy is not installed.
    """
    try:
        import debugpy  # noqa: F401, T100 - whether it is there
    except ImportError:
        raise MissingPackageError("--debug", "debugpy", "debug") from None


def await_debugger(port: int) -> None:
    """Wait until a debugger has connected to this process."""
    import debugpy  # noqa: T100 - the author asks for it

    debugpy.listen(("127.0.0.1", port))  # noqa: T100
    _log.info("A debugger is waited for at 127.0.0.1:%d.", port)
    debugpy.wait_for_client()  # noqa: T100
    _log.info("A debugger has connected.")
