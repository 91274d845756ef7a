"""Folders of replicas: what goes with the last of them, and what stays."""

import threading
from pathlib import Path

import pytest

from modelyard_deploy.place import clear, removed_on_failure


def test_the_folders_of_revision_and_service_go_with_the_last_replica(tmp_path: Path) -> None:
    places = [tmp_path / "digits" / name for name in ("1/1", "1/2", "2/1")]
    for place in places:
        with removed_on_failure(place):
            (place / "x").write_text("x")
    for place, left in zip(places, (["1", "2"], ["2"], None), strict=True):
        clear(place)
        clear(place)
        assert (sorted(p.name for p in (tmp_path / "digits").iterdir()) if left else left) == left
    assert list(tmp_path.iterdir()) == []


def test_what_fails_leaves_no_folder_and_touches_none_that_was_there(tmp_path: Path) -> None:
    place = tmp_path / "digits" / "1" / "1"
    with pytest.raises(ZeroDivisionError), removed_on_failure(place):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []

    place.mkdir(parents=True)
    with pytest.raises(FileExistsError), removed_on_failure(place):
        pass
    assert place.is_dir()


def test_a_replica_that_comes_while_another_goes_has_its_folder(tmp_path: Path) -> None:
    def come_and_go(replica: str) -> None:
        for _ in range(200):
            with removed_on_failure(tmp_path / "digits" / "1" / replica):
                pass
            clear(tmp_path / "digits" / "1" / replica)
            done.append(replica)

    done: list[str] = []
    both = [threading.Thread(target=come_and_go, args=(name,)) for name in "12"]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert (len(done), list(tmp_path.iterdir())) == (400, [])
