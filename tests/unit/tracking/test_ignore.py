import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard.tracking.ignore import IGNORE_FILES, IgnoreRules
from modelyard.tracking.snapshot import snapshot_files

FILES = (
    "x.py", "y", "a/x.py", "a/b/x", "a/b/y.py", "b/x", "b/a/x.py", "b/a/b/x.py", "c/x", "c/a/y.py", "c/a/ z"
)  # fmt: skip


def _write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def _kept(root: Path) -> set[str]:
    return {path for path in snapshot_files(root) if not path.endswith(IGNORE_FILES)}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    _write(root, *FILES)
    return root


def _kept_by_git(root: Path) -> set[str]:
    """Ask git about every file: what it does not ignore, it would add."""
    asked = subprocess.run(
        ["git", "-C", str(root), "check-ignore", "-z", "--stdin", "--no-index"],
        input="\0".join(FILES),
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode in (0, 1), asked.stderr
    return set(FILES) - set(asked.stdout.split("\0"))


_PART = st.sampled_from(["a", "b", "c", "x", "y", "*", "**", "?", "x.py", "*.py", "[ab]", "[!a]", "a*", "\\a", "[a-c]"])
_LINE = st.builds(
    lambda negated, anchored, parts, folder, end: f"{negated}{anchored}{'/'.join(parts)}{folder}{end}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(_PART, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
    st.sampled_from(["", "", " ", "\r"]),
)
_LINES = st.lists(_LINE | st.sampled_from(["", "# x", "\\#", "!", "/", "\\ z", "a\\", " z"]), max_size=5).map("\n".join)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at_root=_LINES, nested=_LINES)
def test_gitignore_leaves_out_what_git_leaves_out(repository: Path, at_root: str, nested: str) -> None:
    (repository / ".gitignore").write_bytes(at_root.encode())
    (repository / "b" / ".gitignore").write_bytes(nested.encode())

    assert _kept(repository) == _kept_by_git(repository)


@pytest.mark.parametrize("name", IGNORE_FILES)
def test_each_ignore_file_counts(tmp_path: Path, name: str) -> None:
    _write(tmp_path, "train.py", "data/large.bin", "notes.txt")
    (tmp_path / name).write_text("data/\n*.txt\n")

    assert _kept(tmp_path) == {"train.py"}


@pytest.mark.parametrize(("stronger", "weaker"), [(0, 1), (0, 2), (1, 2)])
def test_only_the_strongest_ignore_file_counts(tmp_path: Path, stronger: int, weaker: int) -> None:
    _write(tmp_path, "one", "two")
    (tmp_path / IGNORE_FILES[stronger]).write_text("one\n")
    (tmp_path / IGNORE_FILES[weaker]).write_text("two\n")

    assert IgnoreRules(tmp_path).file == IGNORE_FILES[stronger]
    assert _kept(tmp_path) == {"two"}


def test_a_nested_gitignore_counts_only_where_gitignore_is_used(tmp_path: Path) -> None:
    _write(tmp_path, "a/one", "a/two")
    (tmp_path / "a" / ".gitignore").write_text("one\n")
    assert _kept(tmp_path) == {"a/two"}

    (tmp_path / ".amlignore").write_text("two\n")
    assert _kept(tmp_path) == {"a/one"}


@pytest.mark.parametrize("path", [".git/config", "a/__pycache__/x.pyc", ".modelyard/modelyard.db", "a/.git/HEAD"])
def test_some_names_never_count_even_if_asked_for(tmp_path: Path, path: str) -> None:
    _write(tmp_path, "x.py", path)
    (tmp_path / ".modelyardignore").write_text(f"!{path}\n")

    assert _kept(tmp_path) == {"x.py"}


def test_a_file_is_not_brought_back_from_a_folder_that_is_left_out(tmp_path: Path) -> None:
    _write(tmp_path, "data/keep", "logs/keep", "logs/other")
    (tmp_path / ".amlignore").write_text("data/\n!data/keep\nlogs/*\n!logs/keep\n")

    assert _kept(tmp_path) == {"logs/keep"}


def test_an_ignore_file_from_windows_is_read(tmp_path: Path) -> None:
    _write(tmp_path, "one", "two")
    (tmp_path / ".amlignore").write_bytes(b"\xef\xbb\xbfone\r\n")

    assert _kept(tmp_path) == {"two"}
