"""The uv executable: the one that the uv package brings, called with nothing left to chance."""

from __future__ import annotations

import functools
import os
import re
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from modelyard.environments.errors import UvMissingError
from modelyard.environments.process import Finished, run

# Where packages come from and how they are reached is the machine's affair; anything else that uv reads from the
# environment (resolution strategy, constraints, prereleases, ...) would make the same specification lock differently.
_KEPT = re.compile(
    r"UV_(INDEX.*|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|CACHE_DIR|SYSTEM_CERTS|NATIVE_TLS|HTTP_.*|REQUEST_TIMEOUT"
    r"|CONCURRENT_.*|OFFLINE|KEYRING_PROVIDER|INSECURE_HOST|LINK_MODE|NO_CACHE|CONFIG_FILE|PYTHON_INSTALL_DIR)"
)
_DROPPED = frozenset({"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "CONDA_PREFIX"})
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class Uv(Struct, frozen=True, kw_only=True):
    """How uv is to be used.

    `cache` is its cache folder (None: its own choice); `offline` uses nothing else. `index` and `extra_indexes` are
    asked for packages, the extra ones first; where empty, those that the machine is configured for.
    """

    offline: bool = False
    cache: Path | None = None
    index: str = ""
    extra_indexes: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The version of the uv package."""
        return f"uv {_uv_version()}"

    @property
    def indexes(self) -> list[str]:
        """The arguments that name the indexes."""
        default = ["--default-index", self.index] if self.index else []
        return default + [part for address in self.extra_indexes for part in ("--index", address)]

    def run(self, arguments: Sequence[str], *, timeout: float) -> Finished:
        """Run uv for at most `timeout` seconds, away from any project's own configuration.

        Raises
        ------
        TimeoutError
            If it did not end in time.
        UvMissingError
            If the uv package is not installed.
        """
        command = [_executable(), *arguments, "--color", "never", "--no-progress", "--no-python-downloads"]
        command += ["--offline"] if self.offline else []
        command += ["--cache-dir", str(self.cache)] if self.cache is not None else []
        with tempfile.TemporaryDirectory(prefix="modelyard-uv-") as folder:
            finished = run(command, timeout=timeout, environment=_environment(os.environ), folder=Path(folder))
        return Finished(
            status=finished.status,
            stdout=finished.stdout,
            stderr=_CREDENTIALS.sub("", finished.stderr),
        )


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Keep what says how the index is reached, drop what would change the answer."""
    kept = {
        name: value
        for name, value in inherited.items()
        if name not in _DROPPED and (not name.startswith("UV_") or _KEPT.fullmatch(name))
    }
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())):
        kept.setdefault("UV_SYSTEM_CERTS", "1")  # a company's own authority is known to the machine, not to uv
    return kept


def _executable() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise UvMissingError(str(error)) from None


@functools.cache
def _uv_version() -> str:
    from importlib.metadata import version

    return version("uv")
