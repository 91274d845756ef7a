"""Control groups for replicas, of either version: what is written where, and what is said where none can be made.

The files of the kernel are plain ones here, in a folder that looks like its own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from modelyard.compute.group import dissolve, hold, shortage
from modelyard.images.spec import Resources

ASKED = Resources(cpu=1.5, memory=256 << 20)


@pytest.fixture
def root(tmp_path: Path) -> Callable[[str, Sequence[str]], Path]:
    """Give what makes such a folder, with these files and the group that this process is in."""

    def make(own: str, files: Sequence[str]) -> Path:
        for name in ("proc/self/cgroup", *(f"sys/fs/cgroup/{file}" for file in files)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        (tmp_path / "proc/self/cgroup").write_text(own)
        return tmp_path

    return make


def _texts(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir() if file.name != "cgroup.procs"}


def test_version_1_has_a_group_for_each_limit(root: Callable[..., Path], tmp_path: Path) -> None:
    files = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    top = root(
        "4:memory:/x\n", ["memory/cgroup.procs", *(f"memory/one/{f}" for f in files), "cpu/one/cpu.cfs_quota_us"]
    )

    folders, reason = hold(tmp_path, "one", ASKED, top)

    groups = top / "sys/fs/cgroup"
    assert (folders, reason) == ([groups / "memory/one", groups / "cpu/one"], "")
    assert _texts(groups / "memory/one") == dict.fromkeys(files, str(256 << 20))
    assert _texts(groups / "cpu/one") == {"cpu.cfs_quota_us": "150000"}


def test_version_2_has_one_group_which_gets_its_controllers_from_above(
    root: Callable[..., Path], tmp_path: Path
) -> None:
    settings = [f"one/{file}" for file in ("memory.max", "cpu.max", "memory.swap.max")]
    top = root("0::/\n", ["cgroup.controllers", "cgroup.subtree_control", *settings])

    folders, _ = hold(tmp_path, "one", ASKED, top)

    (group,) = folders
    assert group == top / "sys/fs/cgroup/one"
    assert _texts(group) == {"memory.max": str(256 << 20), "cpu.max": "150000 100000", "memory.swap.max": "0"}
    assert (group.parent / "cgroup.subtree_control").read_text() == "+memory +cpu"


def test_a_user_has_the_nearest_group_that_was_handed_over(root: Callable[..., Path], tmp_path: Path) -> None:
    unit = "user/unit"
    top = root("0::/user/unit/main\n", ["cgroup.controllers", f"{unit}/one/memory.max", f"{unit}/one/cpu.max"])

    folders, reason = hold(tmp_path, "one", ASKED, top)

    assert (folders, reason) == ([top / "sys/fs/cgroup/user/unit/one"], "")
    assert not (top / "sys/fs/cgroup/one").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["cgroup.controllers"], "sys/fs/cgroup/one/memory.max: No such file or directory"),
        (["memory/cgroup.procs", "cpu/x"], "memory/one/memory.limit_in_bytes: No such file or directory"),
        ([], "this machine has no control groups"),
    ],
)
def test_what_cannot_be_held_is_said_and_leaves_nothing(
    root: Callable[..., Path], tmp_path: Path, files: Sequence[str], said: str
) -> None:
    folders, reason = hold(tmp_path, "one", ASKED, root("0::/\n", files))
    assert (folders, reason.endswith(said)) == ([], True)
    assert not list(tmp_path.rglob("one"))
    assert not (tmp_path / "groups.json").exists()


def test_a_shortage_is_read_from_the_groups_of_a_place(tmp_path: Path) -> None:
    group = tmp_path / "group"
    group.mkdir()
    (tmp_path / "groups.json").write_text(f'["{group}"]')
    assert shortage(tmp_path) == ""
    for name, text in (("memory.max", 256 << 20), ("memory.peak", 255 << 20), ("memory.events", "oom_kill 1")):
        (group / name).write_text(f"{text}\n")
    assert shortage(tmp_path) == "out of memory: its limit is 256 MiB, at most 255 MiB were in use"
    assert shortage(tmp_path / "nosuch") == ""


def test_dissolving_what_is_gone_does_nothing(tmp_path: Path) -> None:
    dissolve(tmp_path)
    (tmp_path / "groups.json").write_text('["/nosuch/group"]')
    dissolve(tmp_path)
