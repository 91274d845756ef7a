"""``modelyard run submit`` and ``modelyard run compare``, as one types them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard import Run, Workspace

Source = Callable[..., Path]
Finished = subprocess.CompletedProcess[str]
Command = Callable[..., Finished]

TRAIN = """
import sys
from modelyard import Run
with Run.get_context() as run:
    run.log("accuracy", float(sys.argv[2]))
    print("trained with", sys.argv[2])
"""


@pytest.fixture
def command(embedded: Workspace) -> Command:
    program = "from modelyard.cli.main import main; main()"

    def command(*words: str | Path) -> Finished:
        argv = [sys.executable, "-c", program, *map(str, words)]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(embedded.location).parent)

    return command


def test_submit_shows_the_log_and_says_how_it_ended(command: Command, source: Source) -> None:
    folder = source(TRAIN)

    done = command("run", "submit", "-e", "digits", "--source", folder, "train.py", "--lr", "0.5")

    assert (done.returncode, done.stdout) == (0, "trained with 0.5\n")
    assert "digits_1 is Completed" in done.stderr


def test_submit_fails_where_the_script_does(command: Command, source: Source) -> None:
    done = command("run", "submit", "-e", "digits", "--source", source("1 / 0"), "train.py")

    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout
    assert "digits_1 is Failed: train.py: it ended with status 1" in done.stderr


def test_submit_need_not_wait(command: Command, source: Source, embedded: Workspace) -> None:
    done = command("run", "submit", "-e", "digits", "--no-wait", "--source", source(TRAIN), "train.py", "--lr", "1")

    run = Run.get(embedded, done.stdout.strip())
    assert run.wait_for_completion()["status"] == "Completed"


def test_what_follows_the_script_is_its_own(command: Command, source: Source) -> None:
    folder = source("import sys; print(sys.argv[1:])")
    words = ["-e", "3", "--tag", "x", "--json"]

    done = command("run", "submit", "-e", "digits", "--source", folder, "train.py", *words)

    assert done.stdout == f"{words}\n"


def test_options_given_as_the_scripts_are_explained(command: Command, source: Source) -> None:
    done = command("run", "submit", "train.py", "--experiment", "digits")

    assert done.returncode == 2
    assert "Give --experiment NAME, before SCRIPT" in done.stderr


def test_submit_takes_tags_variables_inputs_and_requirements(
    command: Command, source: Source, embedded: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text("1,2")
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n")
    folder = source("import os, sys, six; print(open(sys.argv[1]).read(), os.environ['MODE'], six.__version__)")
    options = ["--tag", "kind=x", "--env", "MODE=fast", "--input", f"data={tmp_path / 'data.csv'}"]
    options += ["--requirements", str(tmp_path / "requirements.txt")]

    done = command("run", "submit", "-e", "digits", "--source", folder, *options, "train.py", "${{inputs.data}}")

    assert done.stdout.splitlines()[-1] == "1,2 fast 1.17.0"
    assert Run.get(embedded, "digits_1").tags == {"kind": "x"}


def test_a_dry_run_lists_the_snapshot_and_records_nothing(command: Command, source: Source) -> None:
    folder = source("", **{"data.bin": "x", ".gitignore": "*.bin\n"})

    done = command("run", "submit", "-e", "digits", "--dry-run", "--source", folder, "train.py", "--lr", "1")

    assert "Would run train.py --lr 1" in done.stdout
    assert "data.bin" not in done.stdout
    assert "no run 'digits_1'" in command("run", "show", "digits_1").stderr


def test_compare_shows_what_differs(command: Command, source: Source) -> None:
    for number in ("0.5", "0.75"):
        folder = source(TRAIN + f"# {number}\n")
        command("run", "submit", "-e", "digits", "--source", folder, "train.py", "--lr", number)

    shown = command("run", "compare", "digits_1", "digits_2", "--diff").stdout
    document = json.loads(command("run", "compare", "digits_1", "digits_2", "--json").stdout)

    assert ["accuracy", "0.5", "0.75", "0.25"] in [line.split() for line in shown.splitlines()]
    assert "-# 0.5\n+# 0.75\n" in shown
    assert document["given"] == [{"name": "--lr", "before": "0.5", "after": "0.75"}]
    assert [one["path"] for one in document["code"]] == ["train.py"]


def test_compare_of_a_run_with_itself(command: Command, source: Source) -> None:
    command("run", "submit", "-e", "digits", "--source", source(), "train.py")

    assert "are the same" in command("run", "compare", "digits_1", "digits_1").stdout
