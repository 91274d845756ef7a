"""The folder of a replica on this machine, for the eyes of who deployed it alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ABOVE = 2
"""Folders above a place that go with the last place in them: the revision's and the service's."""
_ATTEMPTS = 100


@contextmanager
def removed_on_failure(place: Path) -> Iterator[None]:
    """Make the folder, and remove it if what is done then fails."""
    _make(place)
    try:
        yield
    except BaseException:
        clear(place)
        raise


def clear(place: Path) -> None:
    """Remove the folder, and those above it that this leaves empty; does nothing if it is gone."""
    shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):  # they stay while there are other replicas and revisions
        for above in place.parents[:_ABOVE]:
            above.rmdir()


def _make(place: Path) -> None:
    """Make the folder, whose parents another replica may remove when it goes in this moment."""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError, FileExistsError):
            place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            place.mkdir(mode=0o700)
            return
    place.mkdir(mode=0o700)
