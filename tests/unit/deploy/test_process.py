"""Processes that are looked at: what the folder of a replica says of them."""

import platform
from pathlib import Path

from modelyard.services.service import Placed
from modelyard.settings import Settings
from modelyard_deploy.process import ProcessTarget


def _placed(place: Path) -> Placed:
    return Placed(url="http://127.0.0.1:9", machine=platform.node(), facts={"place": str(place)})


def test_a_folder_that_is_gone_has_no_process(tmp_path: Path) -> None:
    assert ProcessTarget(Settings.read()).observe(_placed(tmp_path / "gone")).state == "stopped"


def test_a_note_that_cannot_be_read_leaves_it_unknown(tmp_path: Path) -> None:
    (tmp_path / "process.json").mkdir()
    observed = ProcessTarget(Settings.read()).observe(_placed(tmp_path))
    assert (observed.state, "process.json cannot be read" in observed.detail) == ("unknown", True)
