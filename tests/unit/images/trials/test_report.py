"""A report is read by people and programs."""

import json

import pytest

from modelyard.images.errors import TrialFailedError
from modelyard.images.trials.hints import Failure
from modelyard.images.trials.judgement import Judgement
from modelyard.images.trials.report import TrialReport
from modelyard.images.trials.touched import Imported, Touched

FAILURE = Failure(phase="init", type="ValueError", message="bad\x1b[2J", traceback="Traceback\n  line\n", hint="Do it.")
YAML = Imported(distribution="PyYAML", version="6", module="yaml", by="/model/code/score.py")


def report(failure: Failure | None = None, **more) -> TrialReport:
    return TrialReport(failure=failure, seconds=1.25, peak_memory=3 * 2**20, **more)


def test_a_trial_that_was_passed_says_what_it_took() -> None:
    assert report(touched=Touched()).text == "It passed, with 1.2 s and 3 MiB.\n"


def test_a_failure_says_where_and_what_to_do() -> None:
    lines = report(FAILURE).text.splitlines()

    assert lines[0] == "It failed in the phase init, after 1.2 s and 3 MiB: ValueError: bad?[2J"
    assert lines[1:3] == ["  Traceback", "    line"]
    assert "What to do: Do it." in lines
    assert lines[-1] == "What it touched is not known."


def test_what_was_judged_is_told_in_a_line_each() -> None:
    many = tuple(f"/data/{number}/x" for number in range(10))
    text = report(judgement=Judgement(undeclared=(YAML,), unused=("pandas",), outside=many), touched=Touched()).text

    assert "Imported, but not in the lock: PyYAML 6 (yaml, by /model/code/score.py).\n" in text
    assert "Declared, but never imported: pandas.\n" in text
    assert "/data/7/x and 2 more.\n" in text


def test_many_files_of_a_folder_are_told_together() -> None:
    fonts = tuple(f"/usr/share/fonts/{number}.ttf" for number in range(9))
    text = report(judgement=Judgement(outside=("/data/x", *fonts)), touched=Touched()).text

    assert "Read outside the image: /data/x, 9 files of /usr/share/fonts.\n" in text


def test_what_was_left_out_is_told() -> None:
    text = report(touched=Touched(left_out={"read": 9})).text

    assert text.endswith("left out, at least: 9 of read.\n")


def test_a_program_reads_all_of_it() -> None:
    document = json.loads(report(FAILURE, log="the end", touched=Touched(read=("/a",))).to_json())

    assert (document["failure"]["phase"], document["log"], document["touched"]["read"]) == ("init", "the end", ["/a"])


def test_a_failed_trial_is_raised_where_that_is_wanted() -> None:
    report().check("digits:3")
    with pytest.raises(TrialFailedError, match="digits:3 failed its trial in the phase init: ValueError") as caught:
        report(FAILURE).check("digits:3")

    assert (caught.value.code, caught.value.hint) == ("trial-failed", "Do it.")
