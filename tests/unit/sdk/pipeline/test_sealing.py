import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from modelyard import CommandStep, Pipeline, PythonScriptStep, Workspace
from modelyard.environments.lock import Lock
from modelyard.pipelines.graph import Step
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.sealing import seal


def _sealed(workspace: Workspace, folder: Path, **options: Any) -> Step:
    pipeline = Pipeline(workspace, [PythonScriptStep("train.py", source_directory=folder, **options)])
    return seal(compiled(pipeline), pipeline).steps[0]


def _counted(workspace: Workspace, folder: Path, *paths: str | Path) -> list[str]:
    step = _sealed(workspace, folder, hash_paths=paths)
    return [entry.path for entry in workspace.backend.trees.get(step.counted or step.code).entries]


def test_code_is_kept_once_and_only_when_it_is_sealed(workspace: Workspace, source: Path) -> None:
    steps = [PythonScriptStep("train.py", name, source_directory=source) for name in ("a", "b")]
    pipeline = Pipeline(workspace, [*steps, CommandStep("c", "true")])
    graph = compiled(pipeline)
    seen: list[str] = []

    sealed = seal(graph, pipeline, lambda path, _: seen.append(path))

    assert [step.code for step in graph.steps] == ["", "", ""]
    assert sealed.steps[0].code == sealed.steps[1].code != ""
    assert sealed.steps[2].code == ""
    assert seen == ["helper.py", "sub/other.py", "train.py"]


def test_ignored_files_are_not_part_of_the_code(workspace: Workspace, source: Path) -> None:
    before = _sealed(workspace, source).code
    (source / ".gitignore").write_text("*.log\n")
    with_rules = _sealed(workspace, source).code
    (source / "a.log").write_text("x")

    assert _sealed(workspace, source).code == with_rules != before


@pytest.mark.parametrize(
    ("paths", "counted"),
    [
        ((), ["helper.py", "sub/other.py", "train.py"]),
        (("helper.py",), ["helper.py", "train.py"]),
        (("sub",), ["sub/other.py", "train.py"]),
        (("./sub/", "helper.py"), ["helper.py", "sub/other.py", "train.py"]),
        ((".",), ["helper.py", "sub/other.py", "train.py"]),
    ],
)
def test_paths_in_the_source_folder_are_all_that_counts_with_the_script(
    workspace: Workspace, source: Path, paths: tuple[str, ...], counted: list[str]
) -> None:
    assert _counted(workspace, source, *paths) == counted
    assert _counted(workspace, source, *(source / path for path in paths)) == counted


def test_paths_elsewhere_count_besides(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    (tmp_path / "shared" / "deep").mkdir(parents=True)
    (tmp_path / "shared" / "deep" / "lib.py").write_text("")
    (tmp_path / "config.json").write_text("{}")
    elsewhere = ["hash_paths/config.json", "hash_paths/shared/deep/lib.py"]

    for paths in ((tmp_path / "shared", tmp_path / "config.json"), ("../config.json", "../shared")):
        assert _counted(workspace, source, *paths) == sorted([*elsewhere, "helper.py", "sub/other.py", "train.py"])
    assert _counted(workspace, source, "sub", "../config.json") == [elsewhere[0], "sub/other.py", "train.py"]


def test_where_the_folders_are_does_not_count(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config").write_text(name)
    moved = tmp_path / "elsewhere" / "source"
    shutil.copytree(source, moved)
    shutil.copytree(tmp_path / "one", tmp_path / "three")
    one, two, three = (tmp_path / name / "config" for name in ("one", "two", "three"))

    digests = {
        _sealed(workspace, folder, hash_paths=paths).counted
        for folder in (source, moved)
        for paths in ((one, two), (two, one), (three, two), (two, one, three))
    }
    assert len(digests) == 1
    assert _sealed(workspace, source, hash_paths=[one]).counted not in digests


def test_a_file_that_is_named_counts_though_it_is_ignored(workspace: Workspace, source: Path) -> None:
    (source / ".gitignore").write_text("*.ipynb\n")
    (source / "hello.ipynb").write_text("1")
    before = _sealed(workspace, source, hash_paths=["hello.ipynb"])
    (source / "hello.ipynb").write_text("2")
    after = _sealed(workspace, source, hash_paths=["hello.ipynb"])

    assert _counted(workspace, source, "hello.ipynb") == ["hello.ipynb", "train.py"]
    assert before.code == after.code
    assert before.counted != after.counted


def test_the_script_always_counts(workspace: Workspace, source: Path) -> None:
    before = _sealed(workspace, source, hash_paths=["helper.py"]).counted
    (source / "sub" / "other.py").write_text("changed")
    assert _sealed(workspace, source, hash_paths=["helper.py"]).counted == before

    (source / "train.py").write_text("changed")
    assert _sealed(workspace, source, hash_paths=["helper.py"]).counted != before


def test_an_executable_bit_counts_and_a_time_does_not(workspace: Workspace, source: Path) -> None:
    before = _sealed(workspace, source).code
    (source / "helper.py").touch()
    assert _sealed(workspace, source).code == before

    (source / "helper.py").chmod(0o755)
    assert _sealed(workspace, source).code != before


def test_environments_are_kept_as_what_they_install(workspace: Workspace, source: Path) -> None:
    lock = Lock(kind="resolved", platform="linux-x86_64", python="3.11", packages=())
    told = structs.replace(lock, resolver="uv 1", spec="abc")

    one, other = (_sealed(workspace, source, environment=given).environment for given in (lock, told))

    assert one == other
    assert Lock.from_json(workspace.backend.blobs.read(one)) == lock
    assert _sealed(workspace, source).environment == ""
