"""What came of a trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec
from msgspec import Struct

from modelyard.images.errors import TrialFailedError
from modelyard.images.trials.hints import Failure
from modelyard.images.trials.judgement import Judgement
from modelyard.images.trials.touched import Imported, Touched

_SHOWN = 8
_LONGEST = 300
_OF_ONE_FOLDER = 3


class TrialReport(Struct, frozen=True, kw_only=True):
    """Whether code passed its trial, what it took, and what it touched.

    Parameters
    ----------
    failure
        Why it did not pass; None if it did.
    seconds
        From the start of the process to its end.
    peak_memory
        The most bytes that all its processes had.
    log
        The end of what it wrote.
    touched
        None where that is not known.
    judgement
        What to look at before an image is built.
    """

    failure: Failure | None
    seconds: float
    peak_memory: int
    log: str = ""
    touched: Touched | None = None
    judgement: Judgement = Judgement()

    @property
    def passed(self) -> bool:
        """Whether the code answered its sample as recorded."""
        return self.failure is None

    def check(self, image: str) -> None:
        """Do nothing if the trial was passed.

        Raises
        ------
        TrialFailedError
            If it was not; it names `image`.
        """
        if (failure := self.failure) is not None:
            message = f"{failure.type}: {failure.message}"
            raise TrialFailedError(image, failure.phase, message, failure.traceback, failure.hint)

    def to_json(self) -> bytes:
        """Write the report for programs."""
        return msgspec.json.encode(self)

    @property
    def text(self) -> str:
        """The report in a few lines, for people."""
        return "".join(f"{_plain(line)}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        took = f"{self.seconds:.1f} s and {_mebibytes(self.peak_memory)}"
        if (failure := self.failure) is None:
            yield f"It passed, with {took}."
        else:
            yield f"It failed in the phase {failure.phase}, after {took}: {failure.type}: {failure.message}"
            yield from (f"  {line}" for line in failure.traceback.splitlines()[-12:])
            if failure.meaning:
                yield f"How it ended: {failure.meaning}."
            if failure.hint:
                yield f"What to do: {failure.hint}"
        yield from _judged(self.judgement)
        if self.touched is None:
            yield "What it touched is not known."
        elif self.touched.left_out:
            counts = ", ".join(f"{count} of {kind}" for kind, count in sorted(self.touched.left_out.items()))
            yield f"Too much was touched to note all; left out, at least: {counts}."


def _judged(judgement: Judgement) -> Iterator[str]:
    told = (
        ("Imported, but not in the lock", _imported(judgement.undeclared)),
        ("Imported by your code, but only there since other packages need it", _imported(judgement.indirect)),
        ("Declared, but never imported", judgement.unused),
        ("Read outside the image", _by_folder(judgement.outside)),
        ("Network", judgement.network),
        ("Written, which an image does not allow", judgement.written),
    )
    for what, things in told:
        if things:
            more = f" and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
            yield f"{what}: {', '.join(things[:_SHOWN])}{more}."


def _imported(several: Sequence[Imported]) -> tuple[str, ...]:
    return tuple(
        f"{one.distribution} {one.version} ({one.module}{', by ' + one.by if one.by else ''})" for one in several
    )


def _by_folder(files: Sequence[str]) -> tuple[str, ...]:
    """Tell folders in place of their files, where many are of one."""
    told = []
    for folder, group in groupby(files, key=lambda file: file.rpartition("/")[0]):
        several = list(group)
        told += several if len(several) <= _OF_ONE_FOLDER else [f"{len(several)} files of {folder}"]
    return tuple(told)


def _plain(line: str) -> str:
    """Show a line as it is, but for what would move a terminal's cursor."""
    shown = "".join(character if character.isprintable() else "?" for character in line[:_LONGEST])
    return f"{shown} …" if len(line) > _LONGEST else shown


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
