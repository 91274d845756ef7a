from pathlib import Path

import pytest

from modelyard.pipelines import wholeness as module
from modelyard.pipelines.run import StepOutput
from modelyard.pipelines.wholeness import Fault, Wholeness
from modelyard.store.blobs import BlobFolder
from modelyard.store.trees import keep_folder

DAMAGED = Fault(because="damaged", detail="output 'model'")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


@pytest.fixture
def outputs(blobs: BlobFolder, tmp_path: Path) -> dict[str, StepOutput]:
    folder = tmp_path / "written"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(name)
    return {"model": StepOutput(tree=blobs.put(keep_folder(folder, blobs).encode()))}


def test_files_that_have_not_changed_are_not_read_again(
    blobs: BlobFolder, outputs: dict[str, StepOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    wholeness = Wholeness(blobs)
    assert wholeness.fault(outputs) is None

    monkeypatch.setattr(module, "digest_of", lambda path: pytest.fail(f"{path} was read"))
    assert [wholeness.fault(outputs) for _ in range(2)] == [None, None]


def test_a_file_that_was_damaged_since_is_found_and_removed(blobs: BlobFolder, outputs: dict[str, StepOutput]) -> None:
    wholeness, file = Wholeness(blobs), blobs.path(blobs.put(b"a"))
    assert wholeness.fault(outputs) is None
    file.write_text("x")

    assert wholeness.fault(outputs) == DAMAGED
    assert not file.exists()


def test_a_listing_that_is_damaged_is_removed_too(blobs: BlobFolder, outputs: dict[str, StepOutput]) -> None:
    listing = blobs.path(outputs["model"].tree)
    listing.write_bytes(listing.read_bytes() + b" ")

    assert Wholeness(blobs).fault(outputs) == DAMAGED
    assert not listing.exists()


def test_what_is_not_there_is_missed(blobs: BlobFolder, outputs: dict[str, StepOutput]) -> None:
    blobs.path(blobs.put(b"a")).unlink()
    assert Wholeness(blobs).fault(outputs) == Fault(because="missing", detail="output 'model': 1 of its files")

    blobs.path(outputs["model"].tree).unlink()
    assert Wholeness(blobs).fault(outputs) == Fault(because="missing", detail="output 'model'")
