"""Environments of peers: made once by uv in a cache folder, never in the project's own."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

_LIMIT = 900


def cache() -> Path:
    """Name the folder that holds what is kept from one run of the benchmark to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelyard-bench"


def pinned_python(requirements: Path) -> Path:
    """Give the interpreter of the environment that has what `requirements` pins; it is made if there is none."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache() / f"{requirements.stem}-{digest}"
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        make(folder)
        uv(
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            str(python),
            "--requirements",
            str(requirements),
        )
        done.touch()
    return python


def make(folder: Path) -> None:
    """Make an empty environment, in place of one that there may be."""
    print(f"bench: making {folder}", file=sys.stderr, flush=True)
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))


def uv(*arguments: str) -> None:
    """Run uv, the one of this project's own environment."""
    from uv import find_uv_bin

    without = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run([find_uv_bin(), *arguments], env=without, check=True, timeout=_LIMIT)
