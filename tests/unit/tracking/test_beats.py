import logging
import threading

import pytest

from modelyard.tracking.beats import Beats


def test_each_run_gives_signs_of_life_until_it_ends() -> None:
    seen: list[str] = []
    twice = threading.Event()

    def beat(run_id: str) -> None:
        seen.append(run_id)
        if seen.count("b") == 2:
            twice.set()

    beats = Beats(beat, interval=0.001)
    beats.add("a")
    beats.add("b")
    assert twice.wait(10)
    beats.close()
    assert {"a", "b"} == set(seen)


def test_a_sign_that_fails_is_said_and_the_next_is_tried(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[str] = []
    third = threading.Event()

    def beat(run_id: str) -> None:
        tried.append(run_id)
        if len(tried) == 3:
            third.set()
        raise OSError("no way out")

    with caplog.at_level(logging.WARNING):
        beats = Beats(beat, interval=0.001)
        beats.add("a")
        assert third.wait(10)
        beats.close()
    assert "Run a could give no sign of life: no way out" in caplog.text


def test_the_thread_ends_with_the_last_run_and_begins_again_with_the_next() -> None:
    done = threading.Event()
    beats = Beats(lambda _: done.set(), interval=0.001)
    beats.add("a")
    first = beats._thread
    beats.remove("a")
    assert first is not None
    first.join(10)
    assert not first.is_alive()
    done.clear()
    beats.add("b")
    assert done.wait(10)
    beats.close()
