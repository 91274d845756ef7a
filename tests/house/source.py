"""The files that the house rules are about."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE_FOLDERS = ("toolkit", "scoring", "deploy", "loadtests")


@cache
def files() -> tuple[Path, ...]:
    """List what belongs to the project: what git has, and what it would take, but not what it ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = (ROOT / name for name in sorted(set(listed.stdout.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


def modules() -> tuple[Path, ...]:
    """List the Python files that are shipped."""
    return tuple(path for path in files() if path.suffix == ".py" and _folder(path) in SOURCE_FOLDERS)


def python_files() -> tuple[Path, ...]:
    """List every Python file, tests and examples too."""
    return tuple(path for path in files() if path.suffix == ".py")


def name(path: Path) -> str:
    """Give the path as it is written in messages and lists of exceptions."""
    return path.relative_to(ROOT).as_posix()


def _folder(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]
