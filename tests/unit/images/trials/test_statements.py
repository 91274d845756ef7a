"""Import statements are read without running anything."""

from pathlib import Path

import pytest

from modelyard.images.trials.statements import read_statements


def test_all_forms_of_statements_are_read(tmp_path: Path) -> None:
    file = tmp_path / "score.py"
    file.write_text(
        "import numpy as np, a.b\n"
        "odd = '\\d'\n"
        "from google.cloud import storage\n"
        "from . import own\n"
        "def run(d):\n"
        "    import z\n"
    )

    found = set(read_statements([str(file)]))

    assert found == {"numpy", "a", "a.b", "google", "google.cloud", "google.cloud.storage", "z"}


def test_the_first_file_is_told(tmp_path: Path) -> None:
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    for file in files:
        file.write_text("import numpy")

    assert read_statements(map(str, files)) == {"numpy": str(files[0])}


@pytest.mark.parametrize("content", [b"def (", b"\0", b"\xff\xfe", b"(" * 10_000, b"-" * 100_000 + b"1"])
def test_what_is_no_python_imports_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "score.py").write_bytes(content)

    assert read_statements([str(tmp_path / "score.py"), str(tmp_path / "none.py")]) == {}
