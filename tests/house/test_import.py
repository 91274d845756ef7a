"""What ``import modelyard`` costs, by what it loads; the time is measured by ``make bench``."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "alembic", "asyncio", "docker", "flask", "gunicorn", "httpx", "joblib", "lightgbm", "lightkube",
    "matplotlib", "modelyard_deploy", "modelyard_loadtests", "modelyard_scoring", "multiprocessing",
    "numpy", "onnx", "onnxruntime", "pandas", "psycopg", "pyarrow", "rich", "scipy", "skl2onnx", "sklearn",
    "sqlalchemy", "unittest", "urllib3", "uv", "xgboost",
}  # fmt: skip
ROWS = {"asyncio", "sqlalchemy"}  # an embedded workspace keeps rows, and opening one is what most scripts do
MOST_MODULES = 30
NAMES = {
    "AmlCompute", "CommandStep", "ComputeTarget", "ComputeTargetException", "DataPath",
    "DataReference", "DataTransferStep", "Dataset", "Datastore", "DeployStep",
    "Environment", "Experiment", "FunctionStep", "Image", "Model", "OutputFile", "OutputFolder", "Pipeline",
    "PipelineData", "PipelineEndpoint", "PipelineParameter", "PipelineRun", "Policy", "PublishedPipeline",
    "PythonScriptStep", "RegisterModelStep", "Retries",
    "Reuse", "Run", "ScriptRunConfig", "Service", "ServiceSettings", "StepOptions", "StepRun", "StepSequence",
    "Workspace", "step",
}  # fmt: skip


def _loaded_by(statement: str) -> set[str]:
    """Give the modules that a statement loads in a fresh interpreter, beyond those that any has."""
    script = (
        f"import json, sys; before = set(sys.modules); {statement}; print(json.dumps([*set(sys.modules) - before]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout))


def test_importing_modelyard_loads_nothing_heavy() -> None:
    loaded = {module.split(".")[0] for module in _loaded_by("import modelyard")}

    assert loaded & HEAVY == set()


def test_the_names_that_people_type_first_load_no_optional_package() -> None:
    loaded = {module.split(".")[0] for module in _loaded_by("from modelyard import *")}

    assert "modelyard" in loaded
    assert loaded & (HEAVY - ROWS) == set()


def test_importing_modelyard_loads_few_modules() -> None:
    assert len(_loaded_by("import modelyard")) <= MOST_MODULES


@pytest.mark.parametrize("statement", ["import modelyard", "import modelyard_scoring", "import modelyard_loadtests"])
def test_importing_starts_nothing(statement: str) -> None:
    left = _loaded_by(
        f"{statement}, threading, logging; assert threading.active_count() == 1; assert not logging.root.handlers"
    )

    assert statement.rsplit(maxsplit=1)[-1] in left


def test_the_public_names_are_these() -> None:
    import modelyard

    assert set(modelyard.__all__) <= NAMES | {"__version__"}
    assert all(hasattr(modelyard, name) for name in modelyard.__all__)
