"""``modelyard doctor``: what this machine has, and what would get in the way."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import click
from msgspec import Struct

from modelyard import __version__
from modelyard.cli.output import as_json, print_json
from modelyard.errors import MissingExtraError, ModelyardError, WorkspaceNotFoundError
from modelyard.location import find
from modelyard.paging import every
from modelyard.sdk.runner import attendance
from modelyard.sdk.workspace import Workspace
from modelyard.services.router import find_router
from modelyard.services.service import ServiceQuery
from modelyard.settings import Settings

_SAFE_SQLITE = (3, 51, 3)
_PACKAGES = ("sqlalchemy", "flask", "gunicorn", "onnxruntime", "skl2onnx", "scikit-learn", "docker")
_COLOURS = {"ok": "green", "note": "yellow", "problem": "red"}


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    subject: str
    level: Literal["ok", "note", "problem"]
    text: str


@click.command(name="doctor")
@as_json
def command(as_json: bool) -> None:
    """Look at versions, engine, disk, permissions; status 1 if something would get in the way.

    \b
    Example:
      modelyard doctor --json
    """
    findings = list(examine(Settings.read()))
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            mark = click.style(finding.level.ljust(8), fg=_COLOURS[finding.level])
            click.echo(f"{mark} {finding.subject.ljust(14)} {finding.text}")
    if any(finding.level == "problem" for finding in findings):
        raise click.exceptions.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at this machine, thing by thing."""
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Finding(subject="modelyard", level="ok", text=f"{__version__}, {system}")
    yield _sqlite()
    yield _workspace(settings)
    yield from _services(settings)
    for name, folder in (("home", settings.home), ("cache", settings.cache)):
        yield _folder(name, folder)
    yield _engine()
    for package in _PACKAGES:
        yield _package(package)


def _sqlite() -> Finding:
    if sqlite3.sqlite_version_info >= _SAFE_SQLITE:
        return Finding(subject="SQLite", level="ok", text=sqlite3.sqlite_version)
    text = (
        f"{sqlite3.sqlite_version}: versions before 3.51.3 have a very rare fault when several processes write and "
        "checkpoint at once (sqlite.org/changes.html). Keep backups, or serve the workspace from PostgreSQL."
    )
    return Finding(subject="SQLite", level="note", text=text)


def _workspace(settings: Settings) -> Finding:
    try:
        text = settings.workspace or find(Path(), None, settings)
    except ModelyardError as error:
        return Finding(subject="workspace", level="note", text=str(error))
    return Finding(subject="workspace", level="ok", text=text)


def _services(settings: Settings) -> Iterator[Finding]:
    """Look at what keeps services running: the runner of the workspace, if one is named or near, and the router."""
    try:
        with Workspace.from_config(settings=settings) as workspace:
            if (looking := attendance(workspace)) is not None:
                listed = every(workspace.backend.services.list, ServiceQuery())
                wanted = sum(one.wanted == "running" and one.state != "failed" for one in listed)
                yield _runner(looking.find(), wanted, workspace.location)
    except WorkspaceNotFoundError:
        pass  # as is said of the workspace
    except (ModelyardError, OSError) as error:
        yield Finding(subject="runner", level="note", text=f"not looked for: {error}")
    yield _router(settings)


def _runner(pid: int | None, wanted: int, location: str) -> Finding:
    if pid is not None:
        return Finding(subject="runner", level="ok", text=f"the process {pid} looks after {location}")
    if not wanted:
        return Finding(subject="runner", level="ok", text="none runs, and there is nothing for one to do")
    text = f"none runs, and nobody looks after {wanted} services that should: modelyard up"
    return Finding(subject="runner", level="problem", text=text)


def _router(settings: Settings) -> Finding:
    try:
        router = find_router(settings)
        if not (routes := router.routes()):
            return Finding(subject="router", level="ok", text="installed, and there is no service for it")
        router.statistics(routes[0].service)
    except MissingExtraError as error:
        return Finding(subject="router", level="note", text=f"not installed: {error}")
    except ModelyardError as error:
        return Finding(subject="router", level="problem", text=str(error))
    return Finding(subject="router", level="ok", text=f"serves {len(routes)} services of this user")


def _folder(name: str, folder: Path) -> Finding:
    there = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(there).free
    if not _writable(there):
        return Finding(subject=name, level="problem", text=f"{folder} cannot be written by this user")
    level: Literal["ok", "problem"] = "ok" if free > 1 << 30 else "problem"
    return Finding(subject=name, level=level, text=f"{folder}, {free / (1 << 30):.1f} GiB free")


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _engine() -> Finding:
    program = shutil.which("docker")
    if program is None:
        return Finding(subject="engine", level="note", text="no docker command: services run as processes")
    try:
        asked = subprocess.run(
            [program, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(subject="engine", level="note", text="the Docker engine does not answer within 10 seconds")
    if asked.returncode:
        return Finding(subject="engine", level="note", text="the Docker engine does not run: services run as processes")
    return Finding(subject="engine", level="ok", text=f"Docker {asked.stdout.strip()}")


def _package(name: str) -> Finding:
    try:
        return Finding(subject=name, level="ok", text=version(name))
    except PackageNotFoundError:
        return Finding(subject=name, level="note", text="not installed")
