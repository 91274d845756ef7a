"""The package as a whole."""

import subprocess
import sys
import tomllib
from pathlib import Path

import modelyard_scoring


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, modelyard_scoring; print(sorted({'numpy', 'onnxruntime', 'modelyard'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_version_is_that_of_the_distribution():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert modelyard_scoring.__version__ == project["version"]


def test_the_command_imports_nothing_to_configure_logs_from_files():
    code = "import sys, modelyard_scoring.serve; print({'logging.config', 'gunicorn.glogging'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_the_command_looks_for_garbage_again_after_its_imports():
    code = (
        "import gc, sys, modelyard_scoring.serve as serve, modelyard_scoring.__main__ as command\n"
        "serve.main = lambda *_: print(gc.isenabled(), gc.get_freeze_count() > 10_000)\n"
        "command.run()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "True True"
