"""The hook for load tests: an entry point of the runner's own environment decides before there is any traffic."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.integration.services.conftest import MakeImage

from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.policy import Policy

GATE = """
import httpx

def loaded(url, key, request):
    answer = httpx.get(url + "/v2", headers={"authorization": f"Bearer {key}"})
    return {"passed": PASSED, "reason": "p99 of 80 ms", "evidence": {"status": answer.status_code, "p99": 0.08}}
"""


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install two gates where runners that are started from here find them."""
    folder = tmp_path_factory.mktemp("gates")
    (folder / "strict_gate.py").write_text(GATE.replace("PASSED", "False"))
    (folder / "mild_gate.py").write_text(GATE.replace("PASSED", "True"))
    info = folder / "gates-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gates\nVersion: 1\n")
    points = "strict = strict_gate:loaded\nmild = mild_gate:loaded"
    (info / "entry_points.txt").write_text(f"[modelyard.gates]\n{points}\n")
    return folder


def test_a_revision_that_fails_its_load_test_gets_no_traffic(
    gates: Path, yard: Workspace, name: str, image: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(gates))
    first = Service.deploy(yard, name, image(), policy=replace(Policy.all_at_once(), gate="mild"))

    with pytest.raises(DeploymentFailedError, match="the load test strict: p99 of 80 ms") as failed:
        Service.deploy(yard, name, image(workers=2), policy=replace(Policy.all_at_once(), gate="strict"))

    assert (failed.value.phase, first.refresh().info.standing.traffic) == ("gate", {1: 100})
    told = next(one for one in first.history() if one.action == "return")
    assert told.facts["evidence"] == {"status": 200, "p99": 0.08}


def test_a_load_test_that_is_not_installed_is_said(yard: Workspace, name: str, image: MakeImage) -> None:
    with pytest.raises(DeploymentFailedError, match="No load test is called 'milder'"):
        Service.deploy(yard, name, image(), policy=replace(Policy.all_at_once(), gate="milder"))
