import math
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelyard import Experiment, Run, Workspace
from modelyard.environments.comparison import VersionChange
from modelyard.environments.lock import Lock, LockedPackage
from modelyard.sdk.run.comparison import Change, Comparison, compare
from modelyard.tracking.run import NewRun
from modelyard.tracking.snapshot import take_snapshot


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create("tests", path=tmp_path) as workspace:
        Experiment(workspace, "digits")
        yield workspace


def _run(workspace: Workspace, **new: Any) -> Run:
    return Run(workspace, workspace.backend.runs.create("digits", NewRun(status="Running", **new)))


def _with_code(workspace: Workspace, folder: Path, files: Mapping[str, str | bytes]) -> Run:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    tree = workspace.backend.trees.create(take_snapshot(folder, workspace.backend.blobs))
    return _run(workspace, digests={"snapshot": tree.digest})


def _with_packages(workspace: Workspace, **versions: str) -> Run:
    packages = tuple(LockedPackage(name=name, version=version) for name, version in sorted(versions.items()))
    lock = Lock(kind="recorded", platform="linux", python="3.11", packages=packages)
    return _run(workspace, digests={"environment": workspace.backend.blobs.put(lock.to_json())})


def test_equal_runs_differ_in_nothing(workspace: Workspace) -> None:
    given: dict[str, Any] = {"tags": {"a": "b"}, "parameters": {"k": 3}, "details": {"arguments": ["--lr", "1"]}}

    found = compare(_run(workspace, **given), _run(workspace, **given))

    assert found == Comparison(
        runs=("digits_1", "digits_2"),
        given=(),
        parameters=(),
        metrics=(),
        tags=(),
        inputs=(),
        git=(),
        code=None,
        environment=None,
    )


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (["--lr", "0.1"], ["--lr", "0.2"], {"--lr": ("0.1", "0.2")}),
        (["--lr=0.1"], ["--lr", "0.1"], {}),
        (["--fast"], [], {"--fast": ("", None)}),
        (["--sizes", "1", "2"], ["--sizes", "1", "3"], {"--sizes": ("1 2", "1 3")}),
        (["in.csv", "--n", "1"], ["other.csv", "--n", "1"], {"argument 1": ("in.csv", "other.csv")}),
        (["--shift", "-1"], ["--shift", "-2"], {"--shift": ("-1", "-2")}),
    ],
)
def test_arguments_are_compared_by_name(
    workspace: Workspace, before: list[str], after: list[str], changed: dict[str, tuple[Any, Any]]
) -> None:
    runs = [_run(workspace, details={"script": "train.py", "arguments": words}) for words in (before, after)]

    assert {one.name: (one.before, one.after) for one in compare(*runs).given} == changed


def test_the_last_values_of_metrics_are_compared(workspace: Workspace) -> None:
    first, second = _run(workspace), _run(workspace)
    for run, values in ((first, (0.5, 0.75)), (second, (0.5, 1.0))):
        for value in values:
            run.log("accuracy", value)
    second.log("loss", math.nan)

    accuracy, loss = compare(first, second).metrics

    assert (accuracy.name, accuracy.before, accuracy.after, accuracy.difference) == ("accuracy", 0.75, 1.0, 0.25)
    assert (loss.before, loss.difference) == (None, None)
    assert math.isnan(loss.after)


@pytest.mark.parametrize(
    ("before", "after", "difference"), [(1, 3, 2.0), (1.5, 1, -0.5), ("a", 1, None), (True, 2, None), (None, 1, None)]
)
def test_a_difference_is_of_two_numbers(before: Any, after: Any, difference: float | None) -> None:
    assert Change(name="x", before=before, after=after).difference == difference


def test_tags_parameters_inputs_and_git_are_compared(workspace: Workspace) -> None:
    runs = [
        _run(
            workspace,
            tags={"kind": kind},
            parameters={"k": len(kind)},
            digests={"input:data": workspace.backend.blobs.put(digit.encode())},
            details={"git": {"commit": kind, "dirty": False}},
        )
        for kind, digit in (("a", "1"), ("bb", "2"))
    ]

    found = compare(*runs)

    assert found.tags == (Change(name="kind", before="a", after="bb"),)
    assert found.parameters == (Change(name="k", before=1, after=2),)
    assert found.inputs == (Change(name="data", before=sha256(b"1").hexdigest(), after=sha256(b"2").hexdigest()),)
    assert found.git == (Change(name="commit", before="a", after="bb"),)


def test_code_is_compared_file_by_file(workspace: Workspace, tmp_path: Path) -> None:
    first = _with_code(workspace, tmp_path / "1", {"same.py": "1\n", "gone.py": "1\n", "train.py": "a\nb\n"})
    second = _with_code(workspace, tmp_path / "2", {"same.py": "1\n", "new.py": "1\n", "train.py": "a\nc"})

    found = compare(first, second, text=True).code

    assert found is not None
    assert [(one.path, one.before is None, one.after is None) for one in found] == [
        ("gone.py", False, True),
        ("new.py", True, False),
        ("train.py", False, False),
    ]
    assert found[2].diff == (
        "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n"
    )


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 300_000], ids=["no text", "large"])
def test_files_that_are_no_small_text_have_no_lines(workspace: Workspace, tmp_path: Path, content: bytes) -> None:
    first = _with_code(workspace, tmp_path / "1", {"data.bin": content})
    second = _with_code(workspace, tmp_path / "2", {"data.bin": b"other"})

    found = compare(first, second, text=True).code

    assert found is not None
    assert [(one.path, one.diff) for one in found] == [("data.bin", "")]


def test_environments_are_compared_package_by_package(workspace: Workspace) -> None:
    first = _with_packages(workspace, numpy="1.0", six="1.0")
    second = _with_packages(workspace, numpy="2.0", zope="1.0")

    found = compare(first, second).environment

    assert found is not None
    assert found.changed == (VersionChange(name="numpy", before="1.0", after="2.0"),)
    assert ([one.name for one in found.added], [one.name for one in found.removed]) == (["zope"], ["six"])


def test_a_comparison_is_json(workspace: Workspace, tmp_path: Path) -> None:
    found = compare(_with_packages(workspace, six="1.0"), _with_packages(workspace, six="2.0"))

    assert msgspec.json.decode(msgspec.json.encode(found), type=Comparison) == found
