"""Data sets, whatever is killed, damaged or changed: all of a version, or nothing."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.data import azure

from modelyard import Dataset, Datastore, Workspace
from modelyard.errors import DatasetChangedError, DigestMismatchError, MissingBlobError
from modelyard.store.garbage import CollectGarbage

ROOT = Path(__file__).resolve().parents[3]
KILLS = 4


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def register_until_killed(workspace: Workspace, folder: Path, after: int) -> list[list[str]]:
    """Kill a process at some moment after it was promised so many versions."""
    command = [sys.executable, "-m", "tests.integration.data.registering", workspace.location, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        promised = [process.stdout.readline() for _ in range(after)]
        for _ in range(random.Random(after).randrange(200_000)):  # somewhere within the next one
            pass
        process.kill()
        promised += [line for line in process.stdout if line.endswith("\n")]
    return [line.split() for line in promised]


def test_a_kill_leaves_all_of_a_version_or_nothing(workspace: Workspace, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {})
    folder.mkdir()
    promised = [one for kill in range(KILLS) for one in register_until_killed(workspace, folder, kill + 1)]
    workspace.backend.garbage.collect(CollectGarbage(older_than=-1))
    found = {str(one.version): one for one in Dataset.list(workspace, "churn")}

    assert len(promised) >= KILLS
    assert sorted(map(int, found)) == list(range(1, len(found) + 1))
    assert {version: found[version].digest for version, _, _ in promised} == {v: digest for v, _, digest in promised}
    for version, data in found.items():
        assert data.download(tmp_path / "back" / version) == 2
        assert (data.info.rows, len(data.to_table())) == (2, 2)


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_file_is_named_and_nothing_wrong_is_given(workspace: Workspace, tmp_path: Path, damage: str) -> None:
    data = Dataset.register(workspace, "churn", write(tmp_path / "data", {"a.csv": "id\n1\n", "b.csv": "id\n2\n"}))
    data.to_table()
    blob = workspace.backend.blobs.path(data.files()[1].sha256)
    if damage == "gone":
        blob.unlink()
    else:
        blob.write_bytes(b"id\n3\n")

    for cached in workspace.settings.cache.glob(f"datasets/{data.digest}/b.csv"):
        cached.write_text("id\n4\n")
    for use in (lambda: data.download(tmp_path / "back"), data.to_table):
        with pytest.raises((DigestMismatchError, MissingBlobError), match=r"^b\.csv is damaged|^The blob .* is not"):
            use()
    assert not (tmp_path / "back/b.csv").exists()


def test_objects_stay_where_they_are_and_are_compared(
    workspace: Workspace, azurite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(azure.VARIABLE, azure.KEY)
    store: Datastore = azure.register(workspace, azurite_url)
    source = write(tmp_path / "data", {"a.csv": "id\n1\n", "ü b.csv": "id\n2\n"})
    store.upload(source, "churn")
    data = Dataset.register(workspace, "churn", store.path("churn"))

    assert (data.download(tmp_path / "back"), len(data.to_table())) == (2, 2)
    (source / "a.csv").write_text("id\n3\n")
    store.upload(source, "churn", overwrite=True)
    with pytest.raises(DatasetChangedError, match=r"'a\.csv' of the data set 'churn:1'"):
        data.to_table()
    newer = Dataset.register(workspace, "churn", store.path("churn"))
    store.delete_files("churn/ü b.csv")
    with pytest.raises(DatasetChangedError, match="there is nothing in objects/churn"):
        newer.download(tmp_path / "back")
