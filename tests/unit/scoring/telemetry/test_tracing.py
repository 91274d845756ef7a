"""What sends spans is asked for only where spans are sent."""

import subprocess
import sys

import pytest

from modelyard_scoring.errors import MissingPackageError
from modelyard_scoring.telemetry.tracing import check_tracing


def test_what_is_missing_is_named_with_its_extra(monkeypatch):
    check_tracing()
    monkeypatch.setattr("modelyard_scoring.telemetry.tracing.find_spec", lambda _name: None)
    with pytest.raises(MissingPackageError, match=r"--trace-endpoint.*modelyard\[tracing\]"):
        check_tracing()


def test_without_tracing_nothing_of_it_is_imported():
    code = "import sys, modelyard_scoring.worker; print([name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
