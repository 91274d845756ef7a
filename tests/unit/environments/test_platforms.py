import platform
import sys

import pytest

from modelyard.environments import platforms
from modelyard.environments.errors import InvalidSpecificationError
from modelyard.environments.platforms import PLATFORMS, check_platform, running_platform, runs_here


def test_the_running_platform_is_one_that_can_be_locked_for():
    assert check_platform(running_platform()) in PLATFORMS


@pytest.mark.parametrize(
    ("minor", "name"),
    [(36, "manylinux_2_28"), (28, "manylinux_2_28"), (27, "manylinux_2_17"), (None, "unknown-linux-musl")],
)
def test_linux_is_named_by_the_baseline_that_it_reaches(monkeypatch, minor, name):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platforms, "glibc_minor", lambda: minor)
    assert running_platform() == f"x86_64-{name}"


def test_macos_is_named_by_its_processor(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert running_platform() == "aarch64-apple-darwin"


@pytest.mark.parametrize("name", ["linux", "x86_64-manylinux2014", ""])
def test_names_without_a_baseline_are_refused(name):
    with pytest.raises(InvalidSpecificationError, match="manylinux_2_28"):
        check_platform(name)


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("x86_64-manylinux_2_17", True),
        ("x86_64-manylinux_2_36", True),
        ("x86_64-manylinux_2_37", False),
        ("aarch64-manylinux_2_17", False),
        ("x86_64-unknown-linux-musl", False),
        ("x86_64-apple-darwin", False),
    ],
)
def test_what_runs_here_has_this_processor_and_no_newer_glibc(monkeypatch, name, runs):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platforms, "glibc_minor", lambda: 36)
    assert runs_here(name) is runs
