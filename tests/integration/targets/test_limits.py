"""Processes that are held to what their image asks for, and what becomes of those that are not."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.integration.targets.conftest import SCRIPT
from tests.integration.targets.placement import make_wanted

from modelyard.compute import group
from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.service import Placed
from modelyard_deploy.process import ProcessTarget
from modelyard_deploy.session import SessionProcess


def _apply(workspace: Workspace, image: Image, said: list[str], replica: int = 1) -> Placed:
    target = ProcessTarget(workspace.settings)
    return target.apply(target.plan(make_wanted(workspace, image, replica=replica)), ImageContent(image), said.append)


def _process(placed: Placed) -> SessionProcess:
    return msgspec.json.decode(Path(placed.facts["place"], "process.json").read_bytes(), type=SessionProcess)


def test_a_replica_has_groups_of_its_own_that_go_with_all_that_is_in_them(
    workspace: Workspace, image: Callable[..., Image]
) -> None:
    if reason := group.hold(Path(workspace.location), "modelyard-tests", image().spec.resources)[1]:
        pytest.skip(reason)
    group.dissolve(Path(workspace.location))
    escapes = "    import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
    said: list[str] = []
    placed = _apply(workspace, image(SCRIPT.replace('    print("a line of init")', escapes)), said)
    groups = msgspec.json.decode(Path(placed.facts["place"], "groups.json").read_bytes(), type=list[str])
    members = {int(pid) for one in groups for pid in Path(one, "cgroup.procs").read_text().split()}
    assert (_process(placed).pid in members, [line for line in said if "not limited" in line]) == (True, [])

    ProcessTarget(workspace.settings).remove(placed)

    assert not [one for one in groups if Path(one).exists()]
    assert not [pid for pid in members if SessionProcess.of(pid).started]


def test_what_cannot_be_held_is_said_and_keeps_to_cpus(
    workspace: Workspace, image: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "_ways", lambda *_: iter(()))
    said: list[str] = []
    made = image()
    placed = [_apply(workspace, made, said, replica) for replica in (1, 2)]

    kept = [os.sched_getaffinity(_process(one).pid) for one in placed]
    for one in placed:
        ProcessTarget(workspace.settings).remove(one)

    assert [len(one) for one in kept] == [1, 1]
    assert len(kept[0] | kept[1]) == min(2, len(os.sched_getaffinity(0)))
    (cpu,) = kept[0]
    reason = "this machine has no control groups"
    assert f"its memory is not limited ({reason}); it keeps to the CPUs {cpu}" in said
