import stat
from pathlib import Path

import pytest

from modelyard.compute.job import Job, fill_in
from modelyard.errors import NotFoundError


def _job(**changed: object) -> Job:
    given: dict[str, object] = {
        "workspace": "/w",
        "run": "digits_1",
        "snapshot": "0" * 64,
        "script": "train.py",
        "command": ("--data", "${{inputs.data}}"),
        "inputs": {"data": ("1" * 64, "a.csv")},
        "python": "/usr/bin/python3",
        "variables": {"KEY": "secret"},
        "cache": "/c",
    }
    return Job(**(given | changed))  # type: ignore[arg-type]


def test_a_job_is_read_as_it_was_written_and_by_its_owner_alone(tmp_path: Path) -> None:
    _job().write(tmp_path / "job.json")

    assert Job.read(tmp_path / "job.json") == _job()
    assert stat.S_IMODE((tmp_path / "job.json").stat().st_mode) == 0o600


def test_a_script_is_run_by_the_interpreter() -> None:
    argv = _job().argv(Path("/env/bin/python"), {"data": Path("/run/a.csv")}, {})

    assert argv == ["/env/bin/python", "train.py", "--data", "/run/a.csv"]


def test_a_command_is_run_as_it_is() -> None:
    assert _job(script=None, command=("sh", "x.sh")).argv(Path("/python"), {}, {}) == ["sh", "x.sh"]


@pytest.mark.parametrize(
    ("word", "filled"),
    [
        ("${{inputs.data}}", "/d"),
        ("${{ inputs.data }}", "/d"),
        ("--in=${{inputs.data}}/x", "--in=/d/x"),
        ("${{inputs.data}}:${{inputs.data}}", "/d:/d"),
        ("$inputs.data", "$inputs.data"),
        ("${{outputs.data}}", "/o"),
        ("${{parameters.data}}", "${{parameters.data}}"),
    ],
)
def test_the_path_of_an_input_and_of_an_output_is_filled_in(word: str, filled: str) -> None:
    assert fill_in([word], {"data": "/d"}, {"data": "/o"}) == [filled]


def test_an_unknown_input_or_output_names_the_known() -> None:
    with pytest.raises(NotFoundError, match=r"no output 'dat'. There are: data"):
        fill_in(["${{outputs.dat}}"], {"dat": "/d"}, {"data": "/d"})
    with pytest.raises(NotFoundError, match=r"no input 'dat'. There are: data"):
        fill_in(["${{inputs.dat}}"], {"data": "/d"})
