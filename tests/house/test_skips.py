"""A skipped test is a failed one where CI is set, whichever way it was skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.source import ROOT

CONFTEST = "from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport\n"
TESTS = """
import pytest

def test_skips_itself():
    pytest.skip("no engine here")

@pytest.mark.skip(reason="marked so")
def test_marked():
    pass

@pytest.mark.xfail(reason="known")
def test_known_to_fail():
    assert False
"""


def _outcome(folder: Path, ci: str) -> str:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_skips.py").write_text(TESTS)
    (folder / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_package')\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-rA",
            "--continue-on-collection-errors",
            str(folder),
        ],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


@pytest.fixture(scope="module")
def in_ci(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _outcome(tmp_path_factory.mktemp("ci"), ci="true")


@pytest.mark.parametrize("reason", ["no engine here", "marked so", "no_such_package"])
def test_ci_fails_what_is_skipped_and_says_why(in_ci: str, reason: str) -> None:
    assert any("Nothing may be skipped" in line and reason in line for line in in_ci.splitlines())


def test_ci_lets_a_known_failure_be(in_ci: str) -> None:
    assert "1 failed, 1 xfailed, 2 errors" in in_ci


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert "3 skipped, 1 xfailed" in _outcome(tmp_path, ci="")
