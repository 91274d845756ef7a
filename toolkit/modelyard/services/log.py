"""Following a log of which only the last lines can be asked for."""

from __future__ import annotations


def new_lines(before: list[str], after: list[str]) -> list[str]:
    """Say which of the last lines of a log were not among its last lines before; lines may be alike."""
    for start, line in enumerate(before):
        known = len(before) - start
        if after and line == after[0] and before[start:] == after[:known]:
            return after[known:]
    return after
