import base64
import hashlib
import zipfile

import pytest

from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec


@pytest.fixture(scope="session")
def small_lock():
    """Lock two small pure packages with the real index."""
    return Resolver().lock(EnvironmentSpec.create(["six==1.17.0", "iniconfig==2.1.0"]))


@pytest.fixture
def make_wheel(tmp_path):
    """Make a wheel with one module whose ``ANSWER`` is its version."""

    def _make(name, version, requires=()):
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = {
            f"{name}.py": f"ANSWER = {version!r}\n",
            f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {r}\n" for r in requires),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        rows = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
        files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
        path = tmp_path / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for inside, text in files.items():
                archive.writestr(zipfile.ZipInfo(inside), text)
        return path

    return _make


def _digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
