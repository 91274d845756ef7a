"""MLflow's environment for the control plane: made once, with its current release."""

from pathlib import Path

from tests.bench.environment import cache, make, uv


def mlflow_python(*, upgrade: bool) -> Path:
    """Give the interpreter of the environment that has MLflow; it is made if there is none.

    Parameters
    ----------
    upgrade
        Ask the index for the newest release, also if there is one.
    """
    folder = cache() / "mlflow"
    python = folder / "bin" / "python"
    if not python.exists():
        make(folder)
        upgrade = True
    if upgrade or not (folder / "bin" / "mlflow").exists():
        uv("pip", "install", "--quiet", "--upgrade", "--compile-bytecode", "--python", str(python), "mlflow")
    return python
