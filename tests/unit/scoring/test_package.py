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
