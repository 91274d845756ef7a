"""The peak of a control group, of either version."""

from pathlib import Path

import pytest

from modelyard_deploy.container.memory import peak


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
    assert peak(7, _write(tmp_path, files)) == most
