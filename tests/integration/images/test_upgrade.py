"""Packages that nothing pins stay as they were when code changes, until they are asked for anew."""

import uuid
from pathlib import Path

import pytest
from tests.wheels import make_wheel

from modelyard.environments.lock import Lock
from modelyard.images import InferenceConfig
from modelyard.sdk.environment import Environment
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace


def test_a_change_of_code_changes_no_packages_until_they_are_asked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, name = tmp_path / "published", f"p{uuid.uuid4().hex}"
    published.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(published))
    (tmp_path / "requirements.txt").write_text(f"{name}\n")
    with Workspace.create("upgrade", path=tmp_path) as workspace:

        def version(code: str, environment: object = tmp_path / "requirements.txt", *, upgrade: bool = False) -> str:
            (tmp_path / "score.py").write_text(f"def run(data): return {code}\n")
            inference = InferenceConfig(entry_script=tmp_path / "score.py", environment=environment, base_image="none")
            image = Image.create(workspace, "one", inference=inference, trial=False, upgrade=upgrade)
            (part,) = image.info.spec.parts
            package = Lock.from_json(workspace.backend.blobs.read(part.lock)).package(name)
            assert package is not None
            return package.version

        make_wheel(published, name, "1.0")
        registered = Environment.from_pip_requirements("mine", tmp_path / "requirements.txt").register(workspace)
        assert [version("1"), version("1", registered)] == ["1.0"] * 2
        make_wheel(published, name, "2.0")

        assert [version("2"), version("3", upgrade=True), version("4")] == ["1.0", "2.0", "2.0"]
        assert version("5", registered, upgrade=True) == "1.0"  # as everybody gets it
