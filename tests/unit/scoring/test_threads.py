"""Threads follow the container's share of the machine."""

import os
import subprocess
import sys

import pytest

from modelyard_scoring.threads import engine_threads

POD = "kubepods/burstable/pod1/c1"


@pytest.fixture(autouse=True)
def _machine_of_eight(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)))


@pytest.fixture
def threads(tmp_path):
    """Write cgroups and the membership in them, and give the threads of one worker, or of each of several."""

    def count(files, membership, workers=1):
        for name, text in files.items():
            (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "cgroup" / name).write_text(text)
        (tmp_path / "self").write_text(membership)
        return engine_threads(workers, tmp_path / "cgroup", tmp_path / "self")

    return count


def version_1(folder, quota, period=100_000):
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


@pytest.mark.parametrize(
    ("files", "membership", "expected"),
    [
        ({"cpu.max": "300000 100000\n"}, "0::/\n", 3),
        ({"cpu.max": "350000 100000\n"}, "0::/\n", 3),
        ({"cpu.max": "50000 100000\n"}, "0::/\n", 1),
        ({"cpu.max": "75000 25000\n"}, "0::/\n", 3),
        ({"cpu.max": "max 100000\n"}, "0::/\n", 8),
        ({"cpu.max": "1600000 100000\n"}, "0::/\n", 8),
        ({"cpu.max": "nonsense\n"}, "0::/\n", 8),
        ({"cpu.max": "0 0\n"}, "0::/\n", 8),
        ({}, "0::/\n", 8),
        ({"unified/cpu.max": "200000 100000\n"}, "1:name=systemd:/\n0::/\n", 2),
    ],
)
def test_version_2(threads, files, membership, expected):
    assert threads(files, membership) == expected


@pytest.mark.parametrize(
    ("files", "membership", "expected"),
    [
        (version_1("cpu", 200_000), "4:cpu,cpuacct:/\n", 2),
        (version_1("cpu,cpuacct", 200_000), "4:cpu,cpuacct:/\n", 2),
        (version_1("cpu", 250_000), "1:cpu:/\n0::/\n", 2),
        (version_1("cpu", -1), "1:cpu:/\n", 8),
        (version_1("cpu", 200_000), "1:cpuset:/\n2:cpuacct:/\n", 8),
        (version_1("cpu", 200_000), "1:cpu:/docker/0123\n", 2),
        (version_1("cpu/docker/0123", 200_000), "1:cpu:/docker/0123\n", 2),
    ],
)
def test_version_1(threads, files, membership, expected):
    assert threads(files, membership) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({POD: "400000 100000"}, 4),
        ({POD: "max 100000", "kubepods/burstable/pod1": "200000 100000"}, 2),
        ({POD: "400000 100000", "kubepods": "300000 100000"}, 3),
        ({POD: "200000 100000", "kubepods": "300000 100000"}, 2),
        ({"kubepods/burstable/pod2": "100000 100000"}, 8),
    ],
)
def test_the_least_of_nested_cgroups_counts(threads, limits, expected):
    files = {f"{folder}/cpu.max": text for folder, text in limits.items()}
    assert threads(files, f"0::/{POD}\n") == expected


def test_a_path_outside_of_the_namespace_is_read_as_far_as_it_is_seen(threads):
    assert threads({"cpu.max": "200000 100000"}, "0::/../other\n") == 2


def test_without_a_membership_the_root_is_read(threads, tmp_path):
    threads({"cpu.max": "200000 100000"}, "")
    assert engine_threads(1, tmp_path / "cgroup", tmp_path / "missing") == 2


@pytest.mark.parametrize(("workers", "expected"), [(2, 3), (3, 2), (4, 1), (128, 1)])
def test_workers_share(threads, workers, expected):
    assert threads({"cpu.max": "600000 100000"}, "0::/", workers) == expected


def test_a_cpuset_limits_a_process_by_its_affinity():
    """The kernel keeps a process to its cpuset, and its affinity says so; taking a CPU away does the same."""
    code = "import os; from modelyard_scoring.threads import engine_threads as threads; print(threads(1))"
    pin = f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {code}"
    done = subprocess.run([sys.executable, "-c", pin], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "1\n"
