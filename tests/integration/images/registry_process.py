"""The real docker-registry (distribution 2.8) as a process of a test, at a free port of this machine."""

import json
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tests.ports import free_port


class RegistryProcess:
    """A registry that keeps what it gets in `root`; `auth` is that section of its configuration."""

    def __init__(self, folder: Path, *, root: Path | None = None, auth: dict[str, Any] | None = None) -> None:
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        self.root = root or folder / "kept"
        configuration = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(self.root)}},
            "http": {"addr": self.name},
            **({"auth": auth} if auth else {}),
        }
        (folder / "registry.yml").write_text(json.dumps(configuration))  # JSON is YAML
        self._command = ["docker-registry", "serve", str(folder / "registry.yml")]
        self._log = folder / "registry.log"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(1200):
            if self._process.poll() is not None:
                break
            try:
                httpx.get(f"http://{self.name}/v2/", trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
