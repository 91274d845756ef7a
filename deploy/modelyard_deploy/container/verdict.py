"""What an engine says of a container, in words."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from modelyard.compute import memory
from modelyard_deploy.server import Failure

_STATUS = {
    0: "it ended by itself",
    1: "it ended with an error (1)",
    2: "it refused a setting (2)",
    3: "its start failed (3)",
    126: "its program may not be run (126)",
    127: "its program is not there (127)",
}


def ending(state: Mapping[str, Any], limit: int, peak: int = 0) -> str:
    """Say why a container ended."""
    if state.get("Error"):
        return str(state["Error"])
    status = int(state.get("ExitCode", 0))
    if state.get("OOMKilled"):
        return f"{memory.shortage(limit, peak)} ({status})"
    if status == 128 + signal.SIGKILL:
        return "it was killed (137), and not for lack of memory"
    if status > 128 and status - 128 in {one.value for one in signal.Signals}:
        return f"it was ended by {signal.Signals(status - 128).name} ({status})"
    return _STATUS.get(status, f"it ended with status {status}")


def recorded(log: Iterable[str]) -> Failure | None:
    """Find the first record of a failed start among lines that a server wrote."""
    for line in log:
        if line.startswith("{") and '"phase"' in line:
            try:
                return msgspec.json.decode(line, type=Failure)
            except msgspec.DecodeError:
                continue
    return None
