"""What the container of a replica is given, and what is kept from it: a plain value, and nothing else decides it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.services.service import Placed
from modelyard.services.target import Wanted
from modelyard_deploy.server import replica_name

USER = 65532
PORT = "8080/tcp"
SECRETS = "/run/secrets"
GRACE = 40
"""Seconds until a container that was asked to stop is killed; longer than the scoring server's own grace."""

WORKSPACE, SERVICE, REVISION, REPLICA, IMAGE = (
    f"modelyard.{name}" for name in ("workspace", "service", "revision", "replica", "image")
)

_SECOND = 1_000_000_000
_READY = (
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8080, timeout=2); c.request('GET', '/ready'); "
    "raise SystemExit(c.getresponse().status != 200)"
)
_LEAST_TMP = 16 << 20
_PIDS = 256
_PIDS_A_WORKER = 64


def labels_of(wanted: Wanted) -> dict[str, str]:
    """Say by which labels the container of a replica is found again."""
    return {
        WORKSPACE: wanted.workspace,
        SERVICE: wanted.service,
        REVISION: str(wanted.revision),
        REPLICA: str(wanted.replica),
    }


def labels_in(placed: Placed) -> dict[str, str]:
    """Say by which labels a replica's container is found again, from what is kept of it."""
    return {name: placed.facts[name] for name in (WORKSPACE, SERVICE, REVISION, REPLICA)}


def owner() -> tuple[int, int]:
    """Say as whom a container runs, so that it reads its keys and no other user of this machine does.

    Root gives the file to the user that images name. Nobody else can give a file away, and the server refuses keys that
    others can read: then the container runs as who deploys it, with nothing of theirs in it.
    """
    return (USER, USER) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def options(wanted: Wanted, secrets: Path, port: int, cpus: float) -> Mapping[str, Any]:
    """Say how the container of a replica is made.

    Parameters
    ----------
    secrets
        The folder with the keys.
    port
        On loopback. It is chosen here: one that Docker picks would be another after each restart.
    cpus
        Those of the engine's machine, which no container can have more of.
    """
    resources = wanted.image.spec.resources
    user, group = owner()
    return {
        "name": replica_name(wanted),
        "command": ["/model", "--failure-file", "-"],
        "labels": {**labels_of(wanted), IMAGE: wanted.image.digest},
        "user": f"{user}:{group}",
        "nano_cpus": int(min(resources.cpu, cpus) * 1_000_000_000),
        "mem_limit": resources.memory,
        "memswap_limit": resources.memory,  # no swap: what does not fit ends at once, and is said to
        "pids_limit": _PIDS + _PIDS_A_WORKER * resources.workers,
        "read_only": True,
        "tmpfs": {"/tmp": f"size={max(_LEAST_TMP, resources.memory // 4)},mode=1777,noexec,nosuid,nodev"},  # noqa: S108
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        # a start that fails is looked into; what has been ready runs until it is told to stop (`Container.update`)
        "restart_policy": {"Name": "no"},
        "log_config": {"type": "json-file", "config": {"max-size": "10m", "max-file": "3"}},
        "ports": {PORT: ("127.0.0.1", port)},
        "mounts": [{"Type": "bind", "Source": str(secrets), "Target": SECRETS, "ReadOnly": True}],
        "healthcheck": {
            "test": ["CMD", "python3", "-c", _READY],
            "interval": 10 * _SECOND,
            "timeout": 3 * _SECOND,
            "start_period": 30 * _SECOND,
            "retries": 3,
        },
        "stop_signal": "SIGTERM",
        "use_config_proxy": False,  # a proxy of who deploys may hold their password
    }
