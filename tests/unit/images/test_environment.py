"""The environment that a service runs in."""

import tomllib
from pathlib import Path

from modelyard.environments.lock import Lock, LockedPackage
from modelyard.environments.specification import EnvironmentSpec
from modelyard.images.environment import REQUIREMENTS, serving_spec, with_server

ROOT = Path(__file__).resolve().parents[3]


def _recorded(**versions: str) -> Lock:
    packages = tuple(LockedPackage(name=name, version=version) for name, version in sorted(versions.items()))
    return Lock(kind="recorded", platform="x86_64-manylinux_2_28", python="3.11", packages=packages)


def test_a_service_runs_with_the_versions_that_its_model_was_proved_with() -> None:
    spec = serving_spec([_recorded(numpy="2.1.0", onnxruntime="1.20.1", pandas="2.2.0")])

    assert spec.constraints == ("numpy==2.1.0", "onnxruntime==1.20.1")


def test_a_model_without_a_lock_leaves_the_versions_open() -> None:
    assert serving_spec([]).constraints == ()


def test_the_requirements_are_those_of_the_scoring_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    runtime = [text for text in extras["onnx"] if text.startswith("onnxruntime")]
    msgspec = [
        text
        for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
        if "msgspec" in text
    ]

    assert set(REQUIREMENTS) == {*extras["scoring"], *runtime, *msgspec}


def test_code_is_served_with_the_versions_of_its_own_lock() -> None:
    own = EnvironmentSpec.create(["pandas>=2"], python="3.12", variables={"MODE": "fast"})
    spec = with_server(own, _recorded(pandas="2.2.0", numpy="2.1.0"), onnx=False)

    assert (spec.python, spec.variables) == ("3.12", own.variables)
    assert {"pandas==2.2.0", "numpy==2.1.0"} <= set(spec.constraints)
    assert "pandas>=2" in spec.requirements
    assert {text for text in spec.requirements if text.startswith(("gunicorn", "uvloop"))}
    assert not [text for text in spec.requirements if text.startswith("onnxruntime")]
