"""What is left out of installed packages, so that the same lock gives the same layer."""

from pathlib import Path
from typing import Any

from modelyard.environments.lock import Lock
from modelyard.images.dependencies import PLACE, installed_entries

LOCK = Lock(kind="resolved", platform="x86_64-manylinux_2_28", python="3.11", packages=())
FILES = {
    "a/__init__.py": "x",
    "a/__pycache__/__init__.cpython-311.pyc": "compiled",
    "a/INSTALLER": "a file of the package's own",
    "a/bin/tool": "kept: it is the package's own",
    "a-1.dist-info/METADATA": "Name: a",
    "a-1.dist-info/INSTALLER": "uv",
    "a-1.dist-info/REQUESTED": "",
    "a-1.dist-info/direct_url.json": "{}",
    "a-1.dist-info/uv_cache.json": "{}",
    "a-1.dist-info/licenses/INSTALLER": "kept",
    "bin/tool": "#!/this/machine/python",
    ".lock": "",
}
RECORD = """b.py,sha256=b,1
a/__init__.py,sha256=a,1
bin/tool,sha256=c,1
a-1.dist-info/INSTALLER,,
a-1.dist-info/RECORD,,
"""


class _Written:
    """Stands in for uv, which the integration tests run: writes files as an installation would."""

    def __init__(self, files: dict[str, str], record: str) -> None:
        self.files = {**files, "a-1.dist-info/RECORD": record}

    def unpack(self, _lock: Lock, folder: Path) -> None:
        for path, text in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)


def _entries(folder: Path, files: dict[str, str], record: str = RECORD) -> dict[str, Any]:
    folder.mkdir()
    written: Any = _Written(files, record)
    return {one.path.removeprefix(f"{PLACE}/"): one for one in installed_entries(LOCK, written, folder)}


def test_what_the_machine_and_the_moment_wrote_is_left_out(tmp_path: Path) -> None:
    found = _entries(tmp_path / "one", FILES)
    kept = {"a/__init__.py", "a/INSTALLER", "a/bin/tool", "a-1.dist-info/METADATA", "a-1.dist-info/RECORD"}
    assert set(found) == {*kept, "a-1.dist-info/licenses/INSTALLER"}


def test_the_record_is_sorted_and_names_only_what_is_there(tmp_path: Path) -> None:
    turned = "".join(reversed(RECORD.splitlines(keepends=True)))
    first, second = _entries(tmp_path / "one", FILES), _entries(tmp_path / "two", FILES, turned)
    record = first["a-1.dist-info/RECORD"].source
    assert record == second["a-1.dist-info/RECORD"].source
    assert record == b"a-1.dist-info/RECORD,,\na/__init__.py,sha256=a,1\nb.py,sha256=b,1\n"
