"""Where workspaces are: the configuration file found upwards, and the list of those this user has made."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.errors import InvalidValueError, WorkspaceNotFoundError
from modelyard.settings import Settings

FOLDER = ".modelyard"
CONFIG = "config.json"


class Location(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A configuration file: the workspace's name, and its folder or the URL of its server.

    `subscription_id` and `resource_group` are kept for files that other tools read too.
    """

    workspace_name: str
    location: str | None = None
    subscription_id: str | None = None
    resource_group: str | None = None


def find(start: Path, file_name: str | None, settings: Settings) -> str:
    """Walk up from `start` to a workspace, and return its folder or URL.

    In each folder a file ``config.json`` (or `file_name`) that names a workspace counts, then a folder
    ``.modelyard`` that is one.

    Raises
    ------
    WorkspaceNotFoundError
        If there is none up to the root.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        for file in (folder / (file_name or CONFIG), folder / FOLDER / (file_name or CONFIG)):
            if (found := _read(file)) is not None:
                return _resolve(found, file, settings)
        if file_name is None and is_workspace(folder / FOLDER):
            return str(folder / FOLDER)
    raise WorkspaceNotFoundError(str(start), [])


def write(file: Path, location: Location) -> None:
    """Write a configuration file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(location)) + b"\n")


def is_workspace(folder: Path) -> bool:
    """Say whether a workspace's database is in `folder`."""
    return (folder / "modelyard.db").is_file()


def remember(settings: Settings, identity: str, location: Location) -> None:
    """Add a workspace to the list of those this user has made."""
    write(settings.home / "workspaces" / f"{identity}.json", location)


def forget(settings: Settings, identity: str) -> None:
    """Take a workspace off the list."""
    (settings.home / "workspaces" / f"{identity}.json").unlink(missing_ok=True)


def remembered(settings: Settings) -> list[Location]:
    """List the workspaces that this user has made and that are still there, by name."""
    found = [_read(file) for file in sorted((settings.home / "workspaces").glob("*.json"))]
    there = [one for one in found if one is not None and one.location and is_workspace(Path(one.location))]
    return sorted(there, key=lambda one: (one.workspace_name, one.location or ""))


def named(name: str, settings: Settings) -> str:
    """Return the folder of the one workspace of that name that this user has made.

    Raises
    ------
    WorkspaceNotFoundError
        If there is none.
    InvalidValueError
        If there are several.
    """
    known = remembered(settings)
    places = [one.location for one in known if one.workspace_name == name and one.location]
    if not places:
        raise WorkspaceNotFoundError(name, sorted({one.workspace_name for one in known}))
    if len(places) > 1:
        raise InvalidValueError(
            f"workspace {name!r}", f"there are several; open one by its folder: {', '.join(places)}"
        )
    return places[0]


def _read(file: Path) -> Location | None:
    """Read a configuration file; a file of that name that is something else is passed over."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Location)
    except (FileNotFoundError, NotADirectoryError, PermissionError, IsADirectoryError, msgspec.DecodeError):
        return None


def _resolve(found: Location, file: Path, settings: Settings) -> str:
    if found.location is None:
        return named(found.workspace_name, settings)
    if found.location.startswith(("http://", "https://")):
        return found.location
    return str((file.parent / found.location).resolve())
