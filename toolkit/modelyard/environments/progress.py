"""Telling somebody what is being done, while it takes its time."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]
"""Takes one line of text for each step that takes time."""


def silent(_text: str) -> None:
    """Tell nobody."""
