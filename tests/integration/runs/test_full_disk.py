"""A run on a disk that is full when its outputs are to be kept: it ends, and says why."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelyard import Experiment, ScriptRunConfig, Workspace
from modelyard.errors import RunFailedError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def small_disk(tmp_path: Path, until: Callable[[Callable[[], bool]], None]) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=True)
    yield folder
    unmount = ["umount", str(folder)]
    # the process that looked after the run ends just after the run
    until(lambda: subprocess.run(unmount, capture_output=True, check=False).returncode == 0)


FILL = """
import contextlib
file = open("outputs/large", "wb", buffering=0)
with contextlib.suppress(OSError):
    while file.write(bytes(1 << 16)):
        pass
"""


@pytest.mark.parametrize(
    "script",
    [
        "open('outputs/large', 'wb').write(bytes(14 << 20))",
        FILL,
    ],
    ids=["too large to keep twice", "not a byte left"],
)
def test_a_run_whose_outputs_cannot_be_kept_fails_and_leaves_them(
    small_disk: Path, cache: Path, source: Callable[..., Path], script: str
) -> None:
    with Workspace.create("tests", path=small_disk) as workspace:
        run = Experiment(workspace, "digits").submit(ScriptRunConfig(source(script), "train.py"))

        with pytest.raises(RunFailedError, match="outputs could not be kept: No space is left") as error:
            run.wait_for_completion()

        left = Path(error.value.reason.partition(" They are in ")[2].partition(" (more")[0])
        assert (left / "outputs" / "large").stat().st_size >= 14 << 20
        (left / "outputs" / "large").unlink()
        after = Experiment(workspace, "digits").submit(ScriptRunConfig(source("print(1)"), "train.py"))
        assert after.wait_for_completion()["status"] == "Completed"
