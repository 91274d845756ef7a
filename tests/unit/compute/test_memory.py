"""The peak of a control group, of either version."""

from pathlib import Path

import pytest

from modelyard.compute.memory import groups_of, kills, limit, peak


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "most"),
    [
        (
            {"proc/7/cgroup": "4:memory:/docker/x\n", "sys/fs/cgroup/memory/docker/x/memory.max_usage_in_bytes": "9\n"},
            9,
        ),
        ({"proc/7/cgroup": "0::/a/x\n", "sys/fs/cgroup/a/x/memory.peak": "8\n"}, 8),
        ({"proc/7/cgroup": "0::/a/x\n", "sys/fs/cgroup/a/x/memory.current": "7\n"}, 7),
        ({"proc/7/cgroup": "0::/a/x\n"}, 0),
        ({}, 0),
    ],
)
def test_the_peak_is_read_where_there_is_one(tmp_path: Path, files: dict[str, str], most: int) -> None:
    assert peak(groups_of(7, _write(tmp_path, files))) == most


@pytest.mark.parametrize(
    ("cgroup", "file"),
    [("4:memory:/x", "sys/fs/cgroup/memory/x/memory.oom_control"), ("0::/x", "sys/fs/cgroup/x/memory.events")],
)
def test_processes_that_were_killed_are_counted(tmp_path: Path, cgroup: str, file: str) -> None:
    root = _write(tmp_path, {"proc/7/cgroup": cgroup, file: "low 3\noom_kill 2\n"})
    assert (kills(groups_of(7, root)), kills(groups_of(8, root))) == (2, 0)


def test_a_limit_is_read_unless_there_is_none(tmp_path: Path) -> None:
    _write(tmp_path, {"one/memory.limit_in_bytes": "9\n", "two/memory.max": "8\n", "open/memory.max": "max\n"})
    assert [limit([tmp_path / name]) for name in ("one", "two", "open", "nosuch")] == [9, 8, 0, 0]
