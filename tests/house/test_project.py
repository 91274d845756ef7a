"""What the project says of itself, held together: extras, locks, targets, links."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from tests.house.source import ROOT, files, name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SCORING = {"scoring", "grpc", "arrow", "tracing", "debug"}
EXTRAS = SCORING | {"data", "onnx", "server", "docker", "router", "kubernetes", "edge", "loadtests", "all"}
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")


def _requirements() -> list[Requirement]:
    texts = [
        *PROJECT["project"]["dependencies"],
        *(text for extra in PROJECT["project"]["optional-dependencies"].values() for text in extra),
        *PROJECT["dependency-groups"]["dev"],
    ]
    return [requirement for requirement in map(Requirement, texts) if requirement.name != "modelyard"]


def test_the_extras_are_those_of_the_design() -> None:
    assert set(PROJECT["project"]["optional-dependencies"]) == EXTRAS


def test_the_extra_all_holds_every_other() -> None:
    (everything,) = map(Requirement, PROJECT["project"]["optional-dependencies"]["all"])

    assert everything.extras == EXTRAS - {"all"}


@pytest.mark.parametrize("requirement", _requirements(), ids=str)
def test_the_lock_satisfies(requirement: Requirement) -> None:
    wanted = rf"^{re.escape(requirement.name)}(?:\[[a-z,]+\])?==(\S+)"
    pinned = re.search(wanted, (ROOT / "requirements.lock").read_text(), re.MULTILINE | re.IGNORECASE)

    assert pinned, "run `make lock`"
    assert requirement.specifier.contains(pinned[1], prereleases=True), "run `make lock`"


def test_every_target_of_make_is_explained() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## \S", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {"setup", "demo", "test", "check", "bench", "docs", "lock"} <= set(targets)
    assert targets == explained


def test_every_script_stops_at_the_first_error() -> None:
    scripts = [path for path in files() if path.read_bytes().startswith(b"#!/usr/bin/env bash")]

    assert len(scripts) > 5
    assert [name(path) for path in scripts if "\nset -euo pipefail\n" not in path.read_text()] == []
    assert [name(path) for path in scripts if not path.stat().st_mode & 0o100] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [path for path in files() if path.suffix == ".md"]
    links = [(page, target) for page in pages for target in LINK.findall(page.read_text())]

    assert len(links) > 3
    assert [f"{name(page)} -> {target}" for page, target in links if not (page.parent / target).exists()] == []


def test_the_index_leads_to_every_page() -> None:
    linked = set(LINK.findall((ROOT / "docs/index.md").read_text()))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in files() if name(path).startswith("docs/")}

    assert {page for page in pages if page.endswith(".md")} - linked == {"index.md"}
