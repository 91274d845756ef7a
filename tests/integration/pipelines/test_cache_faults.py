"""What a step wrote before is damaged or gone: it is found out, and written anew."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.pipelines.six import NAMES, Six, states

from modelyard.store.blobs import BlobFolder

ROOT = Path(__file__).parents[3]
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


def test_pipelines_submitted_at_once_by_processes_all_come_to_their_end(six: Six) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom modelyard.sdk.workspace import Workspace\n"
        "from tests.integration.pipelines.six import Six\n"
        "with Workspace.open(sys.argv[1]) as workspace:\n"
        "    print(Six(workspace, Path(sys.argv[2])).run().status)\n"
    )
    command = [sys.executable, "-c", code, six.workspace.location, str(six.source.parent)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    assert [process.communicate(timeout=240)[0] for process in both] == ["Completed\n"] * 3
    assert set(six.effects) == set(NAMES)
