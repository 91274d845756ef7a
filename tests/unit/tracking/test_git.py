import os
import subprocess
from pathlib import Path

import pytest

from modelyard.tracking.git import GitFacts, git_facts


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "train.py").write_text("print(1)\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def _facts(folder: Path, **environment: str) -> GitFacts:
    facts = git_facts(folder, environment)
    assert facts is not None
    return facts


def test_a_clean_repository(repository: Path) -> None:
    assert _facts(repository) == GitFacts(commit=_git(repository, "rev-parse", "HEAD"), branch="trunk", dirty=False)


def test_a_folder_below_the_root_of_a_repository(repository: Path) -> None:
    (repository / "below").mkdir()
    (repository / "train.py").write_text("print(2)\n")

    facts = _facts(repository / "below")

    assert (facts.commit, facts.dirty) == (_git(repository, "rev-parse", "HEAD"), False)


def test_a_change_is_dirty_and_told_from_another_change(repository: Path) -> None:
    digests = set()
    for number in (2, 3):
        (repository / "train.py").write_text(f"print({number})\n")
        facts = _facts(repository)
        assert facts.dirty is True
        digests.add(facts.diff_sha256)

    assert len(digests - {None}) == 2


def test_a_new_file_is_dirty(repository: Path) -> None:
    (repository / "new.py").write_text("")

    assert _facts(repository).dirty is True


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q", "-b", "trunk")

    assert _facts(tmp_path) == GitFacts(branch="trunk", dirty=False)


def test_a_checkout_of_a_commit_has_no_branch(repository: Path) -> None:
    _git(repository, "checkout", "-q", "--detach")

    assert _facts(repository).branch is None


def test_no_repository_gives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert git_facts(tmp_path, {}) is None


def test_no_git_program_gives_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository / "nothing"))

    assert git_facts(repository, {}) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_gives_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(repository / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for path in (repository / ".git", repository):
        os.chown(path, 12345, 12345)

    assert git_facts(repository, {}) is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:secret@git.example/team/x.git", "https://git.example/team/x.git"),
        ("https://secret@git.example:8443/x.git?token=secret#secret", "https://git.example:8443/x.git"),
        ("ssh://git:secret@git.example/x.git", "ssh://git@git.example/x.git"),
        ("git@git.example:team/x.git", "git@git.example:team/x.git"),
        ("/srv/x.git", "/srv/x.git"),
        ("https://[secret", ""),
    ],
)
def test_a_remote_is_shown_without_credentials(repository: Path, address: str, shown: str) -> None:
    _git(repository, "remote", "add", "origin", address)

    assert (_facts(repository).remote or "") == shown


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"GITHUB_SHA": "1", "GITHUB_REF_NAME": "b", "GITHUB_REPOSITORY": "me/x"},
            GitFacts(commit="1", branch="b", remote="https://github.com/me/x"),
        ),
        ({"CI_COMMIT_SHA": "1", "CI_COMMIT_REF_NAME": "b"}, GitFacts(commit="1", branch="b")),
        ({"BUILD_SOURCEVERSION": "1", "BUILD_SOURCEBRANCH": "refs/heads/f/b"}, GitFacts(commit="1", branch="f/b")),
        (
            {"GIT_COMMIT": "1", "GIT_BRANCH": "b", "GIT_URL": "https://u:secret@h/x"},
            GitFacts(commit="1", branch="b", remote="https://h/x"),
        ),
        ({"GITHUB_SHA": "1", "MODELYARD_GIT_COMMIT": "2"}, GitFacts(commit="2")),
    ],
)
def test_the_environment_of_a_build_server_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: GitFacts
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert git_facts(tmp_path, environment) == expected


def test_the_environment_wins_over_the_repository(repository: Path) -> None:
    facts = _facts(repository, GITHUB_SHA="1", GITHUB_REF_NAME="main")

    assert (facts.commit, facts.branch, facts.dirty) == ("1", "main", False)
