"""The package as a whole."""

import subprocess
import sys


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, modelyard_scoring; print(sorted({'numpy', 'onnxruntime', 'modelyard'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
