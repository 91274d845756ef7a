"""``modelyard service install-unit``: what systemd needs to keep a workspace's services running."""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from msgspec import Struct

from modelyard.cli.output import opened, where
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.workspace import Workspace

_KEPT = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "MODELYARD_OFFLINE")
"""Variables that a runner needs as they are here."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_FOR_THE_MACHINE = """\
# Runs what should run of a Modelyard workspace, also after a reboot. To install it:
#   modelyard service install-unit --system -w {where} | sudo tee /etc/systemd/system/{file}
#   sudo systemctl daemon-reload
#   sudo systemctl enable --now {file}
"""
_FOR_A_USER = """\
# Runs what should run of a Modelyard workspace, also after a reboot. To install it:
#   mkdir -p ~/.config/systemd/user
#   modelyard service install-unit -w {where} > ~/.config/systemd/user/{file}
#   systemctl --user daemon-reload
#   systemctl --user enable --now {file}
#   sudo loginctl enable-linger {user}    # it then runs from the boot on, and not only while you are logged in
"""
_SERVED = "# It needs a token of the server: a line MODELYARD_TOKEN=... in {token}, which only you may read.\n"
_EMBEDDED = "# systemctl stop leaves the services running, and nobody looks after them; modelyard down ends them too.\n"

_UNIT = """\
[Unit]
Description=Modelyard services of {name}
{after}# A machine that cannot start it now can later.
StartLimitIntervalSec=0

[Service]
Type=exec
{settings}{commands}Restart=always
RestartSec=2
# Servers and router go on when the runner ends or is started anew, and the next runner finds them.
KillMode=process
TimeoutStopSec=120
# So that servers can be held to the memory and CPUs that their images ask for.
Delegate=yes
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
{fixed}
[Install]
WantedBy={wanted}
"""
_AFTER = "After=network-online.target docker.service\nWants=network-online.target\n"
_FIXED = """\
ProtectSystem=full
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
"""
"""What a user's own systemd has no right to; /tmp, homes, control groups and Docker's socket stay as they are."""


class Unit(Struct, frozen=True, kw_only=True):
    """What a unit is made of; its text is the unit.

    Parameters
    ----------
    workspace
        Its folder, or the URL of its server.
    user
        Who the services run as.
    token
        The file with the token of a server.
    variables
        The environment of the runner.
    system
        Whether it is a unit of the machine's, in place of the user's own.
    """

    name: str
    workspace: str
    python: str
    user: str
    token: str
    variables: Mapping[str, str]
    system: bool

    def __str__(self) -> str:
        is_served = self.workspace.startswith(("http://", "https://"))
        install = (_FOR_THE_MACHINE if self.system else _FOR_A_USER) + (_SERVED if is_served else _EMBEDDED)
        file, where = f"modelyard-{self.name}.service", shlex.quote(self.workspace)
        told = install.format(where=where, file=file, user=self.user, token=self.token)
        settings = [f"User={self.user}"] if self.system else []
        settings += [f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(self.variables.items())]
        commands = [f"ExecStart={self._command('run')}"]
        if is_served:
            settings.append(f"EnvironmentFile={_plain(self.token)}")
        else:  # one that somebody's command has started makes room
            commands.insert(0, f"ExecStartPre=-{self._command('stop')}")
        return told + _UNIT.format(
            name=_plain(self.name),
            after=_AFTER if self.system else "",
            settings="".join(f"{line}\n" for line in settings),
            commands="".join(f"{line}\n" for line in commands),
            fixed=_FIXED if self.system else "",
            wanted="multi-user.target" if self.system else "default.target",
        )

    def _command(self, verb: str) -> str:
        """Write a command as systemd reads it, which takes nothing from a shell."""
        command = [self.python, "-P", "-m", "modelyard.cli.main", "runner", verb, "--workspace", self.workspace]
        return " ".join(_quoted(part).replace("$", "$$") for part in command)


@click.command("install-unit")
@click.option("--system/--user", "system", help="For the machine, or for you alone (the default).")
@where
def install_unit(system: bool, where: str | None) -> None:
    """Print a systemd unit that keeps what should run of a workspace running, also after a reboot.

    It says itself how it is installed. The services run as you; only the installation of a unit of the machine needs
    root.

    \b
    Example:
      modelyard service install-unit --user
    """
    with opened(where) as workspace:
        click.echo(unit_of(workspace, system=system), nl=False)


def unit_of(workspace: Workspace, *, system: bool) -> Unit:
    """Make the unit of a workspace, for this user, interpreter and home."""
    settings, user = workspace.settings, pwd.getpwuid(os.getuid()).pw_name
    if not is_served(workspace) and (owner := Path(workspace.location).owner()) != user:
        raise click.UsageError(f"{workspace.location} is {owner}'s, and you are {user}: have {owner} ask for the unit.")
    home, cache = settings.home.absolute(), settings.cache.absolute()
    variables = {name: os.environ[name] for name in _KEPT if os.environ.get(name)}
    variables |= {"MODELYARD_HOME": str(home), "MODELYARD_CACHE": str(cache)}
    variables |= {"PATH": f"{Path(sys.executable).absolute().parent}:{_PATH}"}
    return Unit(
        name=workspace.name,
        workspace=workspace.location if is_served(workspace) else str(Path(workspace.location).absolute()),
        python=str(Path(sys.executable).absolute()),
        user=user,
        token=str(home / f"{workspace.name}.token"),
        variables=variables,
        system=system,
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{_plain(escaped)}"'


def _plain(text: str) -> str:
    """Write a text without what systemd would put in the place of ``%`` and a letter."""
    return text.replace("%", "%%")
