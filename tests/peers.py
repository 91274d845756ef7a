"""Environments of other servers and clients, whose packages do not go with ours: made once by uv, by their pins."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

_LIMIT = 600


def peer_python(requirements: Path) -> Path:
    """Give the interpreter of an environment that has what a file of pinned requirements lists."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelyard-peers"
    folder = cache / f"{requirements.stem}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        cache.mkdir(parents=True, exist_ok=True)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), "-r", str(requirements))
        (folder / "made").touch()
    return python


def _uv(*arguments: str) -> None:
    from uv import find_uv_bin

    without = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run([find_uv_bin(), *arguments], env=without, check=True, timeout=_LIMIT)
