"""Whether a folder has changed."""

import os

import pytest

from modelyard_scoring.scripts.watch import Watch


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "score.py").write_text("1")
    (tmp_path / "inner").mkdir()
    return tmp_path


def changed(watch):
    return [watch.changed() for _ in range(3)]


def test_a_folder_that_stays_has_not_changed(folder):
    assert changed(Watch(folder)) == [False, False, False]


@pytest.mark.parametrize("name", ["score.py", "new.py", "inner/deep.json"])
def test_a_change_is_told_once_it_has_settled(folder, name):
    watch = Watch(folder)
    (folder / name).write_text("changed")
    assert changed(watch) == [False, True, False]


def test_a_change_of_the_same_size_is_seen(folder):
    watch = Watch(folder)
    (folder / "score.py").write_text("2")
    os.utime(folder / "score.py", ns=(1, 1))
    assert changed(watch) == [False, True, False]


def test_a_file_that_goes_is_a_change(folder):
    watch = Watch(folder)
    (folder / "score.py").unlink()
    assert changed(watch) == [False, True, False]


@pytest.mark.parametrize("name", ["__pycache__", ".git"])
def test_folders_that_hold_no_code_do_not_count(folder, name):
    watch = Watch(folder)
    (folder / name).mkdir()
    (folder / name / "file").write_text("x")
    assert changed(watch) == [False, False, False]


def test_an_empty_folder_that_is_gone_is_no_change(folder):
    watch = Watch(folder / "inner")
    (folder / "inner").rmdir()
    assert changed(watch) == [False, False, False]
