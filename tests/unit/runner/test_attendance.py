"""Who looks after a folder, with runners that the test makes."""

import os
import threading
from pathlib import Path

import pytest

from modelyard.runner.attendance import Attendance
from modelyard.runner.bell import ring_at
from modelyard.runner.errors import RunnerNotStartedError, RunnerRunsError
from modelyard.runner.runner import Runner


class Rounds(Runner):
    """A runner whose rounds the test says; `work` is what is left after each."""

    def __init__(self, folder: Path, work: list[bool]) -> None:
        super().__init__(None, [], "test")
        self.folder, self.work = folder, work
        self.found: list[int | None] = []

    def run(self) -> None:
        """See who looks after the folder meanwhile."""
        self.found.append(Attendance(self.folder).find())

    def has_work(self) -> bool:
        """Say what the test says."""
        self.found.append(Attendance(self.folder).find())
        return self.work.pop(0)


def test_nobody_looks_after_a_fresh_folder(tmp_path: Path) -> None:
    assert Attendance(tmp_path).find() is None
    assert Attendance(tmp_path).stop() is None


def test_a_runner_is_found_while_it_runs_and_looks_once_more_when_it_is_not_found_any_more(tmp_path: Path) -> None:
    runner = Rounds(tmp_path, [False])

    Attendance(tmp_path).attend(runner)

    assert runner.found == [os.getpid(), None]


def test_work_that_came_when_it_was_about_to_end_is_brought_about(tmp_path: Path) -> None:
    runner = Rounds(tmp_path, [True, True, False])

    Attendance(tmp_path).attend(runner)

    assert runner.found == [os.getpid(), None] * 3


def test_a_runner_that_was_told_to_end_does_not_look_again(tmp_path: Path) -> None:
    runner = Rounds(tmp_path, [])
    runner.stop()

    Attendance(tmp_path).attend(runner)

    assert runner.found == [os.getpid()]


def test_a_runner_that_is_found_is_woken(tmp_path: Path) -> None:
    woken = threading.Event()

    class Waiting(Rounds):
        def run(self) -> None:
            assert Attendance(tmp_path).ensure(lambda: 0) == os.getpid()
            assert woken.wait(60)

        def wake(self) -> None:
            woken.set()

    Attendance(tmp_path).attend(Waiting(tmp_path, [False]))

    assert woken.is_set()


def test_a_runner_runs_where_there_can_be_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "runner.bell").mkdir()
    runner = Rounds(tmp_path, [False])

    Attendance(tmp_path).attend(runner)

    assert runner.found == [os.getpid(), None]


def test_who_rings_where_nobody_hears_it_goes_on(tmp_path: Path) -> None:
    ring_at(tmp_path / "none")
    os.mkfifo(tmp_path / "unheard")
    ring_at(tmp_path / "unheard")
    (tmp_path / "deaf").symlink_to(tmp_path / "unheard")
    opened = os.open(tmp_path / "deaf", os.O_RDWR)
    for _ in range(70_000):  # more than a pipe holds
        ring_at(tmp_path / "deaf")
    os.close(opened)


def test_a_second_runner_is_refused(tmp_path: Path) -> None:
    class Nested(Rounds):
        def run(self) -> None:
            with pytest.raises(RunnerRunsError, match=str(os.getpid())):
                Attendance(tmp_path).attend(Rounds(tmp_path, []))

    Attendance(tmp_path).attend(Nested(tmp_path, [False]))


def test_a_runner_that_is_there_is_not_started(tmp_path: Path) -> None:
    class Asked(Rounds):
        def run(self) -> None:
            self.found.append(Attendance(tmp_path).ensure(lambda: 1 // 0))

    runner = Asked(tmp_path, [False])
    Attendance(tmp_path).attend(runner)

    assert runner.found[0] == os.getpid()


def test_a_runner_that_has_looked_and_gone_was_started(tmp_path: Path) -> None:
    def start() -> int:
        thread = threading.Thread(target=Attendance(tmp_path).attend, args=(Rounds(tmp_path, [False]),))
        thread.start()
        thread.join()
        return 4_000_000

    assert Attendance(tmp_path).ensure(start) == 4_000_000


def test_a_runner_that_never_looks_is_said_with_the_last_line_of_its_log(tmp_path: Path) -> None:
    looking = Attendance(tmp_path)

    def start() -> int:
        looking.log.write_text("Traceback\nModuleNotFoundError: No module named 'x'\n")
        return 4_000_000  # above what the kernel gives

    with pytest.raises(RunnerNotStartedError, match="No module named 'x'"):
        looking.ensure(start)


def test_a_large_log_is_turned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelyard.runner.attendance._LOG_LIMIT", 10)
    looking = Attendance(tmp_path)
    looking.log.write_text("x" * 11)

    with pytest.raises(RunnerNotStartedError, match="it said nothing"):
        looking.ensure(lambda: 4_000_000)

    assert (tmp_path / "runner.log.1").read_text() == "x" * 11
