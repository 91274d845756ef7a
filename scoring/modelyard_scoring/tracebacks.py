"""Tracebacks for the author of a script: the frames that are theirs, with all others folded."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

_FOLDED = "<folded>"


class _Frames(traceback.StackSummary):
    """Frames, of which folded ones are one line."""

    def format_frame_summary(self, frame_summary: traceback.FrameSummary) -> str:
        if frame_summary.filename == _FOLDED:
            return f"  ... {frame_summary.name}\n"
        return super().format_frame_summary(frame_summary)


def author_traceback(error: BaseException, root: Path) -> str:
    """Write the traceback of an exception with the frames of files under `root` only."""
    whole = traceback.TracebackException.from_exception(error)
    for one in _all(whole):
        own = str(root) + "/"
        frames = _Frames()
        for mine, group in groupby(one.stack, key=lambda frame: frame.filename.startswith(own)):
            several = list(group)
            frames.extend(several if mine else [_folded(several)])
        one.stack = frames
    return "".join(whole.format())


def author_dump(text: str, root: Path) -> str:
    """Keep the threads that ran files under `root`, and no frames behind those, of what faulthandler wrote.

    Where none did, it is kept whole.
    """
    own = f'File "{root}/'
    blocks = text.split("\n\n")
    kept = blocks[:1] if blocks[0].startswith("Fatal") else []
    for block in blocks:
        lines = block.splitlines()
        if last := max((at for at, line in enumerate(lines) if own in line), default=0):
            kept.append("\n".join(lines[: last + 1]))
    return "\n\n".join(kept) + "\n" if own in text else text


def comes_from(error: BaseException, root: Path) -> bool:
    """Tell whether a file under `root` is in the traceback of an exception, or is what cannot be read as Python."""
    own = str(root) + "/"
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(own):
        return True
    return any(frame.filename.startswith(own) for frame in traceback.extract_tb(error.__traceback__))


def _all(one: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    yield one
    for linked in (one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())):
        if linked is not None:
            yield from _all(linked)


def _folded(frames: list[traceback.FrameSummary]) -> traceback.FrameSummary:
    places = dict.fromkeys(_package(frame.filename) for frame in frames)
    count = "1 frame" if len(frames) == 1 else f"{len(frames)} frames"
    return traceback.FrameSummary(_FOLDED, 0, f"{count} of {', '.join(places)}", lookup_line=False)


def _package(filename: str) -> str:
    for folder in ("site-packages", "dist-packages", "scoring"):
        _, found, rest = filename.rpartition(f"/{folder}/")
        if found:
            return rest.partition("/")[0].removesuffix(".py")
    return "Python" if "/" in filename or filename.startswith("<frozen ") else filename.strip("<>")
