"""The claims about faults notice faults: each fails for a server, or a report, that is wrong on purpose."""

import pytest
from tests.integration.scoring.scenarios import blocked_log, kills, leaving, nonces, overload, soak
from tests.integration.scoring.scenarios.broken import broken
from tests.integration.scoring.scenarios.processes import Held
from tests.integration.scoring.scenarios.report import CUT_OFF, Record, Report, TooFewSamplesError
from tests.integration.scoring.scenarios.traffic import Load, drive

LOAD = Load(make=nonces.make, check=nonces.check, connections=16)


def record(at, status=200, *, took=0.001, right=True, phase="steady", polite=True):
    return Record(due=at, sent=at, ended=at + took, status=status, phase=phase, right=right, polite=polite)


def many(count=1000, **more):
    return [record(number / 100, **more) for number in range(count)]


def test_a_sound_server_is_found_sound():
    with broken("none") as port:
        drive(port, LOAD, 500, 1).assert_min_samples(400).assert_all_answered()


def test_answers_that_are_mixed_up_are_noticed():
    with broken("mixed up") as port, pytest.raises(AssertionError, match="wrong answers"):
        nonces.assert_no_answer_is_anothers(nonces.flood(port, 1500), 1500)


def test_answers_that_never_come_are_noticed():
    with broken("dropped") as port, pytest.raises(AssertionError, match="others than"):
        drive(port, LOAD, 500, 1).assert_all_answered()


def test_a_server_that_stalls_cannot_hide_it():
    with broken("late") as port:
        report = drive(port, Load(make=nonces.make, check=nonces.check, connections=1), 100, 0.4)
    assert report.latency(0.5) > 0.5
    assert report.latency(0.5, since="sent") < 0.3


def test_refusals_that_do_not_say_when_to_try_again_are_noticed():
    with broken("impolite") as port:
        report = drive(port, LOAD, 500, 1)
    found = overload.Overload(
        capacity=200, offered=500, goodput=400, refusal=0, calm_p99=0, recovered_p99=0, grown=0, report=report
    )
    with pytest.raises(AssertionError, match="retry-after"):
        overload.assert_calm(found, goodput=0.9, refusal=0.1, samples=400)


def test_nothing_can_be_said_of_hardly_any_request():
    report = Report(many())
    for claim in (
        lambda: report.assert_min_samples(1001),
        lambda: report.phase("misspelt").assert_all_answered(),
        lambda: report.of(503).latency(0.5),
        lambda: Report(many(50)).latency(0.99),
    ):
        with pytest.raises(TooFewSamplesError):
            claim()


def test_a_loss_that_no_kill_explains_is_noticed():
    def found(at, count):
        lost = [record(1, CUT_OFF, right=False)] * count
        return kills.Kills(report=Report(many() + lost), at=(at, 9.0), in_flight=(3, 3), back=(0.1, 0.1))

    kills.assert_only_what_was_in_flight_is_lost(found(1.0, 3), samples=500)
    for wrong in (found(6.0, 1), found(1.0, 40)):
        with pytest.raises(AssertionError):
            kills.assert_only_what_was_in_flight_is_lost(wrong, samples=500)


@pytest.mark.parametrize("sent", [4.0, 6.0], ids=["before the signal", "after it"])
def test_a_request_that_a_stop_cuts_off_is_noticed(sent):
    found = kills.Stopped(report=Report([*many(), record(sent, CUT_OFF, right=False)]), at=5.0, seconds=1, status=0)
    with pytest.raises(AssertionError):
        kills.assert_drained(found, samples=400)


STILL = Held(memory=10**8, threads=4, files=20)


@pytest.mark.parametrize(
    "after", [Held(memory=10**8 + 2 * 2**20, threads=4, files=20), Held(memory=10**8, threads=5, files=20),
              Held(memory=10**8, threads=4, files=21)], ids=["memory", "a thread", "a file"]
)  # fmt: skip
def test_what_stays_of_a_client_that_left_is_noticed(after):
    def left(after):
        return leaving.Left(departures=600, before=STILL, after=after, in_flight=1, connections=0, wrong=0, checked=30)

    leaving.assert_nothing_stays(left(STILL), 600)
    with pytest.raises(AssertionError):
        leaving.assert_nothing_stays(left(after), 600)


def soaked(**more):
    facts = {"report": Report(many()), "samples": 30, "memory_slope": 0.0, "files": (20, 20), "threads": (4, 4)}
    return soak.Soak(**{**facts, "p99_first": 0.01, "p99_last": 0.01, **more})


def test_what_grows_in_a_soak_is_noticed():
    soak.assert_steady(soaked(), samples=1000, memory=2**20, drift=1.1)
    for fault in ({"memory_slope": 2.0**21}, {"files": (20, 21)}, {"threads": (4, 5)}, {"p99_last": 0.02}):
        with pytest.raises(AssertionError):
            soak.assert_steady(soaked(**fault), samples=1000, memory=2**20, drift=1.1)


def test_a_log_that_was_read_all_the_time_says_nothing():
    report = Report(many())
    facts = {"read": report, "blocked": report, "probes": 1, "alive": 200}
    blocked_log.assert_unmoved(blocked_log.BlockedLog(full=True, dropped=1, **facts), samples=100, slower=2)
    for fault in ({"full": False, "dropped": 1}, {"full": True, "dropped": 0}):
        with pytest.raises(AssertionError):
            blocked_log.assert_unmoved(blocked_log.BlockedLog(**fault, **facts), samples=100, slower=2)
