"""The debugger, which is an extra."""

import sys

import pytest

from modelyard_scoring.debugger import check_debugger
from modelyard_scoring.errors import MissingPackageError


def test_a_debugger_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "debugpy", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'modelyard\[debug\]'"):
        check_debugger()
