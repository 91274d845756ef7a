"""Every part of the benchmark runs, with tiny sizes and without the peers; no figure is judged."""

import subprocess
import sys
from math import isfinite
from pathlib import Path

import msgspec
import pytest
from tests.bench.__main__ import GROUPS, NOUNS
from tests.bench.serving.peers import BARE

ROOT = Path(__file__).parents[3]
ELSEWHERE = {"serving-standard", *GROUPS["reliability"]}
"""Parts that have a test below, or are made of what ``tests/integration/scoring`` and ``services`` beside it try."""


@pytest.mark.parametrize("noun", [noun for noun in NOUNS if noun not in ELSEWHERE])
def test_every_figure_of_a_part_is_measured(noun: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if noun == "data":
        request.getfixturevalue("azurite_url")
    found = _bench("--only", noun, tmp_path=tmp_path)

    measured = {figure["name"]: figure["samples"]["Modelyard"] for figure in found["figures"]}
    assert set(measured) == {figure.name for figure in NOUNS[noun].FIGURES}
    assert all(len(values) == 1 and isfinite(values[0]) for values in measured.values())


def test_servers_are_measured_beside_ours_and_the_page_tells(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: serving-standard -->\nold\n<!-- end -->\nafter\n")

    found = _bench("--only", "serving-standard", "--rival", BARE, "--page", str(page), tmp_path=tmp_path)

    assert found["left_out"] == {}
    (row,) = (figure for figure in found["figures"] if figure["name"] == "row")
    assert {figure["name"] for figure in found["figures"]} == {
        figure.name for figure in NOUNS["serving-standard"].FIGURES
    }
    assert row["samples"].keys() == {"Modelyard", BARE}
    assert row["times_as_good"].keys() == {BARE}
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "old" not in lines
    assert any(line.startswith("| one row of JSON") and BARE in line for line in lines)


def test_what_was_measured_says_when_and_where(tmp_path: Path) -> None:
    found = _bench("--only", "artifacts", tmp_path=tmp_path)

    assert found["date"].endswith("UTC")
    assert found["machine"]["cores"] >= 1
    assert {"Python", "Modelyard"} <= found["versions"].keys()


def _bench(*arguments: str, tmp_path: Path) -> dict:
    file = tmp_path / "figures.json"
    fixed = ["--quick", "--no-peer", "--rounds", "1", "--folder", str(tmp_path), "--json", str(file)]
    command = [sys.executable, "-m", "tests.bench", *fixed, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert "| figure |" in done.stdout
    return msgspec.json.decode(file.read_bytes())
