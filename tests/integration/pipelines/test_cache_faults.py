"""What a step wrote before is damaged or gone: it is found out, and written anew."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.pipelines.six import NAMES, Six, states

from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.store.blobs import BlobFolder

WHOLE = "first. left. first. middle. first. right. join. last. "


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)


@pytest.mark.parametrize("harm", [_flip, Path.unlink], ids=["a byte is flipped", "it is gone"])
@pytest.mark.parametrize("of_tree", [False, True], ids=["file", "tree"])
def test_an_output_that_is_not_whole_is_written_anew(
    six: Six, tmp_path: Path, harm: Callable[[Path], None], of_tree: bool
) -> None:
    first = six.run()
    output = first.get_pipeline_output("join")
    blobs = six.workspace.backend.blobs
    assert isinstance(blobs, BlobFolder)
    tree = six.workspace.backend.trees.get(output.digest)
    harm(blobs.path(output.digest if of_tree else tree.entries[0].sha256))
    again = six.run()

    assert (again.status, states(again)["join"], states(again)["last"]) == ("Completed", "finished", "reused")
    assert six.effects == dict.fromkeys(NAMES, 1) | {"join": 2}
    told = str(again.explain()[4])
    assert ("is damaged" if harm is _flip else "is not there any more") in told
    assert again.get_pipeline_output("last").download(tmp_path).read_text() == WHOLE
    assert again.get_pipeline_output("join").digest == output.digest
    assert again.get_pipeline_output("join").download(tmp_path).is_file()


def test_pipelines_submitted_at_once_all_come_to_their_end(six: Six) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs: list[PipelineRun] = list(pool.map(lambda _: six.run(), range(4)))

    assert [run.status for run in runs] == ["Completed"] * 4
    assert set(six.effects) == set(NAMES)
    assert {state for run in runs for state in states(run).values()} <= {"finished", "reused"}
