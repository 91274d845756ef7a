"""The folder of a revision on this machine, for the eyes of who deployed it alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def removed_on_failure(place: Path) -> Iterator[None]:
    """Make the folder, and remove it if what is done then fails."""
    place.mkdir(parents=True, mode=0o700)
    try:
        yield
    except BaseException:
        clear(place)
        raise


def clear(place: Path) -> None:
    """Remove the folder; does nothing if it is gone."""
    shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):  # the service's own folder stays while it has other revisions
        place.parent.rmdir()
