"""What a container is given, and what is kept from it."""

import os
from pathlib import Path

import pytest
from msgspec import structs
from tests.unit.deploy.container.wanted import wanted

from modelyard_deploy.container.confinement import labels_of, options, owner, replica_name


def test_a_container_is_closed_but_for_its_port_and_its_folder_for_a_moment() -> None:
    made = options(wanted(), Path("/place/secrets"), 8123, 8)
    assert (made["read_only"], made["cap_drop"], made["security_opt"]) == (True, ["ALL"], ["no-new-privileges"])
    assert made["ports"] == {"8080/tcp": ("127.0.0.1", 8123)}
    assert [(mount["Source"], mount["ReadOnly"]) for mount in made["mounts"]] == [("/place/secrets", True)]
    assert "noexec" in made["tmpfs"]["/tmp"]
    assert made["mem_limit"] == made["memswap_limit"] == 1 << 30
    assert made["log_config"]["config"] == {"max-size": "10m", "max-file": "3"}


@pytest.mark.parametrize(("cpus", "given"), [(8, 1_500_000_000), (1, 1_000_000_000)])
def test_a_container_has_no_more_processors_than_there_are(cpus: int, given: int) -> None:
    assert options(wanted(cpu=1.5), Path("/x"), 1, cpus)["nano_cpus"] == given


def test_a_container_runs_as_who_alone_reads_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert owner() == (65532, 65532)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 1001)
    assert owner() == (1000, 1001)


def test_containers_of_two_workspaces_share_no_name() -> None:
    assert replica_name(wanted(workspace="a" * 32)) != replica_name(wanted(workspace="b" * 32))


def test_containers_of_two_replicas_share_no_name_and_not_all_labels() -> None:
    one, two = wanted(), structs.replace(wanted(), replica=2)
    assert (replica_name(two), labels_of(two)["modelyard.replica"]) == ("modelyard-digits-1-2-000000000000", "2")
    assert (replica_name(one), labels_of(one)) != (replica_name(two), labels_of(two))
