"""Threads follow the container's share of the machine."""

import pytest

from modelyard_scoring.threads import engine_threads


def quota(tmp_path, **files):
    for name, text in files.items():
        file = tmp_path / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cfs", "cpu.cfs")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "workers", "threads"),
    [
        ({"cpu_max": "100000 100000\n"}, 1, 1),
        ({"cpu_max": "50000 100000\n"}, 1, 1),
        ({"cpu__cfs_quota_us": "100000\n", "cpu__cfs_period_us": "100000\n"}, 1, 1),
        ({"cpu_max": "200000 100000\n"}, 128, 1),
    ],
)
def test_threads_follow_the_quota(tmp_path, files, workers, threads):
    assert engine_threads(workers, quota(tmp_path, **files)) == threads


@pytest.mark.parametrize(
    "files", [{}, {"cpu_max": "max 100000\n"}, {"cpu__cfs_quota_us": "-1\n", "cpu__cfs_period_us": "100000\n"}]
)
def test_without_a_quota_all_cpus_are_used(tmp_path, files, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)))
    assert engine_threads(1, quota(tmp_path, **files)) == 8
    assert engine_threads(3, quota(tmp_path, **files)) == 2
