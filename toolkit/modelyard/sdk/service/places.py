"""Where the services of a workspace have their files on this machine."""

from __future__ import annotations

from pathlib import Path

from modelyard.sdk.workspace import Workspace

KEYS = "keys.json"
"""The keys of a service's clients, in its folder."""
INNER_KEYS = "inner-keys.json"
"""The keys that the router shows to the servers behind it."""


def service_folder(workspace: Workspace, name: str) -> Path:
    """Give the folder of a service, which may not exist yet."""
    if Path(workspace.location).is_dir():
        return Path(workspace.location).absolute() / "services" / name
    return workspace.settings.home / "services" / workspace.info.id / name


def route_name(workspace: Workspace, name: str) -> str:
    """Say what the router of a machine calls a service; other workspaces may have one of the same name."""
    return f"{name}.{workspace.info.id[:8]}"
