"""MLflow's environment: made once by uv in a cache folder, with its current release."""

import os
import subprocess
import sys
from pathlib import Path

_LIMIT = 600


def mlflow_python(*, upgrade: bool) -> Path:
    """Give the interpreter of the environment that has MLflow; it is made if there is none.

    Parameters
    ----------
    upgrade
        Ask the index for the newest release, also if there is one.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelyard-bench" / "mlflow"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"bench: making {folder}", file=sys.stderr)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        upgrade = True
    if upgrade or not (folder / "bin" / "mlflow").exists():
        _uv("pip", "install", "--quiet", "--upgrade", "--compile-bytecode", "--python", str(python), "mlflow")
    return python


def _uv(*arguments: str) -> None:
    from uv import find_uv_bin

    without = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run([find_uv_bin(), *arguments], env=without, check=True, timeout=_LIMIT)
