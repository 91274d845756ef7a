"""Compute targets by their names, in every way that a workspace is reached."""

import pytest

from modelyard import AmlCompute, ComputeTarget, ComputeTargetException, Workspace
from modelyard.compute.pool import slots
from modelyard.settings import Settings

POOL = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", min_nodes=1, max_nodes=4)


def test_a_workspace_begins_with_this_machine(workspace: Workspace) -> None:
    assert list(workspace.compute_targets) == ["local"]
    local = workspace.compute_targets["local"]

    assert (type(local), local.type, repr(local)) == (ComputeTarget, "Local", "ComputeTarget('local')")
    assert slots(local.info) >= 1
    assert local.status.current_node_count == slots(local.info)
    with pytest.raises(ComputeTargetException, match="every workspace has"):
        local.delete()


def test_a_pool_is_created_found_and_deleted(workspace: Workspace) -> None:
    created = ComputeTarget.create(workspace, "cpu-cluster", POOL)
    created.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)

    found = ComputeTarget(workspace, "cpu-cluster")
    assert type(found) is AmlCompute
    assert found == created == workspace.compute_targets["cpu-cluster"] == AmlCompute(workspace, "cpu-cluster")
    assert ComputeTarget.create(workspace, "cpu-cluster", POOL) == found
    found.delete()
    assert "cpu-cluster" not in workspace.compute_targets
    with pytest.raises(ComputeTargetException, match=r"no compute target 'cpu-cluster'. There are: local"):
        found.get_status()


def test_the_status_has_the_names_that_users_know(workspace: Workspace) -> None:
    status = ComputeTarget.create(workspace, "cpu-cluster", POOL).status.serialize()

    assert (status["currentNodeCount"], status["targetNodeCount"], status["allocationState"]) == (1, 1, "Steady")
    assert status["nodeStateCounts"] == {
        "idleNodeCount": 1,
        "leavingNodeCount": 0,
        "preemptedNodeCount": 0,
        "preparingNodeCount": 0,
        "runningNodeCount": 0,
        "unusableNodeCount": 0,
    }
    assert status["scaleSettings"] == {
        "minNodeCount": 1,
        "maxNodeCount": 4,
        "nodeIdleTimeBeforeScaleDown": "PT120S",
    }
    assert (status["provisioningState"], status["vmSize"], status["vmPriority"]) == (
        "Succeeded",
        "STANDARD_NC6",
        "Dedicated",
    )


def test_a_pool_is_updated_and_not_made_another_by_accident(workspace: Workspace) -> None:
    pool = ComputeTarget.create(workspace, "cpu-cluster", POOL)
    with pytest.raises(ComputeTargetException, match="already is a compute target"):
        ComputeTarget.create(workspace, "cpu-cluster", AmlCompute.provisioning_configuration(max_nodes=5))
    assert isinstance(pool, AmlCompute)
    pool.update(max_nodes=8)

    assert workspace.compute_targets["cpu-cluster"].info.max_nodes == 8
    with pytest.raises(ComputeTargetException, match="at most max_nodes"):
        pool.update(min_nodes=9)


def test_what_is_there_is_attached_and_is_no_pool(workspace: Workspace) -> None:
    attached = ComputeTarget.attach(workspace, "two", ComputeTarget.attach_configuration(slots=2))

    assert (type(attached), slots(attached.info)) == (ComputeTarget, 2)
    with pytest.raises(ComputeTargetException, match="no AmlCompute"):
        AmlCompute(workspace, "two")
    attached.detach()


def test_waiting_for_nodes_that_do_not_come_is_an_error(workspace: Workspace) -> None:
    pool = ComputeTarget.create(workspace, "cpu-cluster", POOL)

    with pytest.raises(ComputeTargetException, match="never be there, max_nodes is 4"):
        pool.wait_for_completion(min_node_count=5)
    with pytest.raises(ComputeTargetException, match="1 nodes after 0 min, not 2"):
        pool.wait_for_completion(min_node_count=2, timeout_in_minutes=0)


def test_compute_targets_are_not_managed_from_inside_a_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ComputeTarget.create(workspace, "cpu-cluster", POOL)
    monkeypatch.setenv("MODELYARD_RUN", "steps_1")
    inside = Workspace(workspace.backend, Settings.read())

    for managed in (
        inside.compute_targets["cpu-cluster"].delete,
        lambda: ComputeTarget.create(inside, "other", POOL),
    ):
        with pytest.raises(ComputeTargetException, match="inside a run, and this is steps_1"):
            managed()
    assert list(workspace.compute_targets) == ["cpu-cluster", "local"]
