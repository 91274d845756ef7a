"""Names with values, as options and arguments take them: ``NAME=VALUE``."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import InvalidValueError


def read_pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` texts; a value may be empty, and hold ``=``.

    Raises
    ------
    InvalidValueError
        If one has no name or no ``=``; the text names the option and what it was given.
    """
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not equals or not name:
            raise InvalidValueError(f"{option} {text!r}", "write NAME=VALUE")
    return {name: value for name, _, value in pairs}
