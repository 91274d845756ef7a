"""Model folders with code, tried in the interpreter of the tests with the real scoring package."""

import json
import sys
from pathlib import Path

import pytest

from modelyard.environments.lock import Lock, LockedPackage
from modelyard.images.trial import try_out
from modelyard.images.trials.attempt import Limits
from modelyard.images.trials.judgement import Declared

ROOT = Path(__file__).parents[4]
PYTHON = Path(sys.executable)
SERVER = ROOT / "scoring"
LOCKED = ("numpy", "pyyaml", "scikit-learn")


def declared(*requirements, variables=()):
    packages = tuple(LockedPackage(name=name, version="1") for name in LOCKED)
    lock = Lock(kind="recorded", platform="linux", python="3.11", packages=packages)
    return Declared(lock=lock, requirements=requirements, variables=variables)


@pytest.fixture
def folder(tmp_path):
    """Write a model folder with a script, and with a sample that is answered by {"y": 2}."""

    def write(source, **code):
        place = tmp_path / "folder"
        (place / "code").mkdir(parents=True, exist_ok=True)
        (place / "code/score.py").write_text(source)
        sample = {"request": {"x": 1}, "answer": {"y": 2}}
        service = {"format": 1, "name": "tried", "models": []}
        service["code"] = {"path": "code", "entry": "score.py", "sample": sample, **code}
        (place / "service.json").write_text(json.dumps(service))
        return place

    return write


@pytest.fixture
def try_code(folder):
    """Try a script, and give the report."""

    def run(source, *requirements, variables=(), seconds=60.0, memory=None, python=PYTHON, **code):
        return try_out(
            folder(source, **code),
            python=python,
            server=SERVER,
            declared=declared(*requirements, variables=variables),
            limits=Limits(seconds=seconds, memory=memory),
            say=print,
        )

    return run
