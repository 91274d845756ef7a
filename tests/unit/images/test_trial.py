"""How a trial ended, in words; what runs is in tests/integration/images."""

import pytest

from modelyard.images.trial import _failure
from modelyard.images.trials.attempt import Ended, Limits
from modelyard.images.trials.hints import Failure

DIED = Failure(phase="init", type="ScriptDiedError", message="it died", exit_status=-9, traceback="in init")
LIMITS = Limits(seconds=5, memory=100 * 2**20)


def ended(status: int = 3, peak: int = 0, **more) -> Ended:
    return Ended(status=status, seconds=1.0, peak=peak, log="", **more)


def failure(how: Ended, record: Failure | None) -> Failure:
    found = _failure(how, record, LIMITS)
    assert found is not None
    return found


def test_a_trial_that_ends_well_has_no_failure() -> None:
    assert _failure(ended(0), None, LIMITS) is None


def test_a_record_that_the_code_forged_does_not_fail_a_trial_that_ends_well() -> None:
    assert _failure(ended(0), DIED, LIMITS) is None


@pytest.mark.parametrize(("peak", "kind"), [(95, "OutOfMemory"), (20, "ScriptDiedError")])
def test_what_was_killed_near_the_limit_was_short_of_memory(peak: int, kind: str) -> None:
    assert failure(ended(peak=peak * 2**20), DIED).type == kind


def test_what_was_killed_far_from_the_limit_says_by_which_signal() -> None:
    found = failure(ended(peak=2**20), DIED)

    assert "SIGKILL" in found.meaning
    assert "machine's memory" in found.hint


def test_what_passed_the_limit_says_limit_and_peak() -> None:
    found = failure(ended(peak=123 * 2**20, cut="memory"), DIED)

    assert "123 MiB at most, with a limit of 100 MiB" in found.message
    assert "137" in found.meaning


def test_what_took_too_long_keeps_its_phase_and_traceback() -> None:
    found = failure(ended(cut="time"), DIED)

    assert (found.type, found.phase, found.traceback) == ("TimeoutError", "init", "in init")
    assert found.message == "it was not done after 5 s"


@pytest.mark.parametrize(("status", "said"), [(127, "not found"), (-11, "SIGSEGV"), (1, "status 1")])
def test_a_server_that_says_nothing_is_told_by_its_status(status: int, said: str) -> None:
    found = failure(ended(status), None)

    assert (found.phase, said in found.message) == ("start", True)
