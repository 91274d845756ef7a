import importlib.metadata
import platform
import sys

import pytest

from modelyard.environments.lock import canonical_name
from modelyard.environments.recording import lock_running


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Make a search path with nothing on it, and a function that puts packages there."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def _install(name, version, *requires, folder=tmp_path, direct_url=None, kind="dist-info"):
        home = folder / f"{name}-{version}.{kind}"
        home.mkdir(parents=True)
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {r}" for r in requires)]
        (home / ("METADATA" if kind == "dist-info" else "PKG-INFO")).write_text("\n".join(lines) + "\n")
        if direct_url:
            (home / "direct_url.json").write_text(direct_url)

    return _install


def test_every_installed_package_is_recorded_at_its_version():
    installed = {}
    for one in importlib.metadata.distributions():
        installed.setdefault(canonical_name(one.name), one.version)
    assert {p.name: p.version for p in lock_running().packages} == installed


def test_the_machine_is_recorded():
    lock = lock_running()
    assert lock.kind == "recorded"
    assert lock.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert lock.recording.interpreter.endswith(platform.python_version())
    assert lock.recording.machine == platform.machine()


def test_recording_twice_gives_one_digest():
    assert lock_running().digest == lock_running().digest


def test_only_what_the_roots_require_is_recorded(install):
    install("model_lib", "2.0", "low>=1", 'old; python_version < "3"', 'plus; extra == "more"')
    install("low", "1.5")
    install("old", "1")
    install("plus", "1")
    install("desk", "1")
    assert [p.name for p in lock_running(["Model.Lib"]).packages] == ["low", "model-lib"]
    assert lock_running(["Model.Lib"]).recording.roots == ("model-lib",)


def test_extras_are_followed_where_they_are_required(install):
    install("app", "1", "lib[more]")
    install("lib", "1", 'plus; extra == "more"', 'other; extra == "less"')
    install("plus", "1", "app")
    install("other", "1")
    assert [p.name for p in lock_running(["app"]).packages] == ["app", "lib", "plus"]


def test_a_root_that_is_not_installed_is_left_out(install):
    install("low", "1")
    assert [p.name for p in lock_running(["low", "absent"]).packages] == ["low"]


def test_local_packages_are_marked_with_their_address(install):
    install("mine", "0.1", direct_url='{"url": "file:///home/me/mine", "dir_info": {"editable": true}}')
    assert lock_running().packages[0].local == "file:///home/me/mine"


def test_an_archive_that_was_installed_by_address_has_its_hash(install):
    digest = "a" * 64
    install(
        "got", "1", direct_url=f'{{"url": "file:///got.whl", "archive_info": {{"hashes": {{"sha256": "{digest}"}}}}}}'
    )
    assert lock_running().packages[0].hashes == (f"sha256:{digest}",)


def test_the_first_on_the_search_path_counts(install, tmp_path, monkeypatch):
    install("low", "2", folder=tmp_path / "first")
    install("low", "1", folder=tmp_path / "second")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "absent"), str(tmp_path / "first"), str(tmp_path / "second")])
    assert [p.version for p in lock_running().packages] == ["2"]


def test_versions_that_a_folder_name_cannot_tell_are_read(install):
    install("legacy", "1.0_post1")
    install("egg", "3.1", kind="egg-info")
    assert {p.name: p.version for p in lock_running().packages} == {"legacy": "1.0_post1", "egg": "3.1"}


def test_a_damaged_direct_url_is_passed_over(install):
    install("odd", "1", direct_url="[")
    assert lock_running().packages[0].local == ""


def test_where_conda_built_a_package_does_not_make_it_local(install, tmp_path):
    install("numpy", "1.26.4", direct_url='{"url": "file:///croot/numpy"}')
    (tmp_path / "numpy-1.26.4.dist-info" / "INSTALLER").write_text("conda\n")
    assert lock_running().packages[0].local == ""
