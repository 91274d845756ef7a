"""What every compute target does with a job."""

import pytest
from tests.contract.compute.jobs import PATIENCE, Jobs

from modelyard.compute.target import JobState
from modelyard.errors import ModelyardError, StateError

SLEEP = "import time; print('up'); time.sleep(600)"


def test_a_job_runs_in_its_code_and_tells_how_it_ended(jobs: Jobs) -> None:
    state, log = jobs.run("import sys, os; print(sys.argv[1:], os.listdir()); sys.exit(3)", "a b", "ü")

    assert state == JobState(state="ended", exit_status=3)
    assert log.startswith("['a b', 'ü'] [")
    assert "train.py" in log


def test_a_job_finds_its_inputs_and_outputs_by_words_and_by_variables(jobs: Jobs) -> None:
    script = """
import os, sys
given, made, table = sys.argv[1:]
assert os.environ["AZURE_ML_INPUT_raw"] == os.environ["AZUREML_DATAREFERENCE_raw"] == given
assert os.environ["AZURE_ML_OUTPUT_made"] == os.environ["AZUREML_DATAREFERENCE_made"] == made == os.environ["WHERE"]
assert os.environ["MODELYARD_RUN"] == os.environ["AZUREML_RUN_ID"] == "steps_1"
open(f"{made}/copy", "w").write(open(given).read())
open(table, "w").write("t")
"""
    inputs = {"raw": (jobs.tree(raw_csv="1,2"), "raw.csv")}
    words = ("${{inputs.raw}}", "${{outputs.made}}", "${{outputs.table}}")
    variables = {"WHERE": "${{outputs.made}}"}
    job = jobs.job(script, *words, inputs=inputs, outputs={"made": True, "table": None}, variables=variables)
    place = jobs.start(job)

    assert jobs.ended(place).exit_status == 0, jobs.compute.log(place).read_text()
    assert (jobs.compute.output(place, "made") / "copy").read_text() == "1,2"
    assert jobs.compute.output(place, "table").read_text() == "t"


def test_a_job_without_code_runs_any_command(jobs: Jobs) -> None:
    state, log = jobs.run("", snapshot="", script=None, command=("sh", "-c", "echo $0; kill -9 $$", "said"))

    assert (state, log) == (JobState(state="ended", exit_status=-9), "said\n")


def test_a_program_that_is_not_there_is_told_in_the_log(jobs: Jobs) -> None:
    state, log = jobs.run("", script=None, command=("no-such-program",))

    assert state.exit_status == 127
    assert log == "modelyard: no-such-program cannot be started: No such file or directory\n"


def test_a_job_is_started_once(jobs: Jobs) -> None:
    job = jobs.job("import sys; open(sys.argv[1], 'a').write('x')", str(jobs.base / "effect"))
    place = jobs.start(job)
    jobs.start(job, place)
    jobs.ended(place)
    jobs.start(job, place)

    assert jobs.ended(place).exit_status == 0
    assert (jobs.base / "effect").read_text() == "x"


def test_nothing_is_at_a_place_before_the_start(jobs: Jobs) -> None:
    place = jobs.place()
    jobs.compute.end(place)
    jobs.compute.wait([place], PATIENCE)

    assert jobs.compute.observe(place) == JobState(state="absent")


def test_what_cannot_be_prepared_is_not_started(jobs: Jobs) -> None:
    place = jobs.place()
    with pytest.raises(ModelyardError, match="no input 'nowhere'"):
        jobs.start(jobs.job("", "${{inputs.nowhere}}"), place)
    assert jobs.compute.observe(place).state == "absent"

    jobs.start(jobs.job("print(1)"), place)
    assert jobs.ended(place).exit_status == 0


def test_waiting_ends_with_the_first_job_that_ends_or_with_the_time(jobs: Jobs) -> None:
    long, short = jobs.start(jobs.job(SLEEP)), jobs.start(jobs.job(""))
    jobs.compute.wait([long, short], PATIENCE)
    assert [jobs.compute.observe(place).state for place in (long, short)] == ["running", "ended"]

    jobs.compute.wait([long], 0.01)
    assert jobs.compute.observe(long).state == "running"


def test_a_job_is_ended_when_asked(jobs: Jobs) -> None:
    place = jobs.start(jobs.job(SLEEP))
    jobs.compute.end(place)
    jobs.compute.end(place)

    assert jobs.ended(place) == JobState(state="ended", exit_status=-15, detail="canceled")


def test_a_cleared_place_is_empty_and_never_started_again(jobs: Jobs) -> None:
    job = jobs.job("import sys; open(sys.argv[1], 'a').write('x')", str(jobs.base / "effect"), outputs={"made": True})
    place = jobs.start(job)
    jobs.ended(place)
    made = jobs.compute.output(place, "made")
    jobs.compute.clear(place)
    jobs.compute.clear(place)
    jobs.start(job, place)

    assert jobs.compute.observe(place) == JobState(state="absent")
    assert not made.exists()
    assert (jobs.base / "effect").read_text() == "x"


def test_a_place_that_is_cleared_before_the_start_is_never_started(jobs: Jobs) -> None:
    place = jobs.place()
    jobs.compute.clear(place)
    jobs.start(jobs.job(""), place)

    assert jobs.compute.observe(place) == JobState(state="absent")


def test_a_job_that_runs_is_not_cleared(jobs: Jobs) -> None:
    place = jobs.start(jobs.job(SLEEP))
    with pytest.raises(StateError, match="running"):
        jobs.compute.clear(place)

    assert jobs.compute.observe(place).state == "running"
