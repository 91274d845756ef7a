from modelyard.environments.comparison import VersionChange, diff
from modelyard.environments.lock import Lock, LockedPackage


def lock(*packages, python="3.11", platform="x86_64-manylinux_2_28"):
    return Lock(kind="resolved", platform=platform, python=python, packages=packages)


def package(name, version, *hashes):
    return LockedPackage(name=name, version=version, hashes=hashes)


def test_equal_locks_do_not_differ():
    one = lock(package("six", "1.17.0", "sha256:a"))
    assert not diff(one, one)
    assert str(diff(one, one)) == ""


def test_added_removed_and_changed_packages_are_told():
    found = diff(
        lock(package("a", "1"), package("b", "1"), package("c", "1")),
        lock(package("b", "2"), package("c", "1"), package("d", "1")),
    )
    assert [p.name for p in found.added] == ["d"]
    assert [p.name for p in found.removed] == ["a"]
    assert found.changed == (VersionChange(name="b", before="1", after="2"),)
    assert str(found) == "+ d==1\n- a==1\n~ b 1 -> 2"


def test_python_and_platform_are_told():
    found = diff(lock(), lock(python="3.12", platform="aarch64-manylinux_2_28"))
    assert found.python == ("3.11", "3.12")
    assert "platform x86_64-manylinux_2_28 -> aarch64-manylinux_2_28" in str(found)


def test_other_files_of_one_version_are_a_change():
    found = diff(lock(package("a", "1", "sha256:a")), lock(package("a", "1", "sha256:b")))
    assert found.changed == (VersionChange(name="a", before="1", after="1", rebuilt=True),)


def test_one_more_file_of_a_version_is_no_change():
    assert not diff(lock(package("a", "1", "sha256:a")), lock(package("a", "1", "sha256:a", "sha256:b")))


def test_unknown_hashes_are_not_compared():
    assert not diff(lock(package("a", "1")), lock(package("a", "1", "sha256:a")))
