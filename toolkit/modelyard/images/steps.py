"""Lines of a Dockerfile and Debian packages that an image asks for: what of them is taken, and in which form.

Steps are their author's own code, run by the engine while it builds. What is checked is that each remains what it looks
like: one instruction, of a kind that leaves alone what the image starts, as whom, and from where.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modelyard.images.errors import InvalidImageError

TAKEN = ("RUN", "ENV", "ARG", "LABEL", "WORKDIR")
"""Instructions that may stand in a step."""

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*(=[A-Za-z0-9.+:~-]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEREDOC = re.compile(r"<<")
_FLAG = re.compile(r"--[a-z]")
_RULES = {
    "COPY": "files go into the image by source_directory",
    "ADD": "files go into the image by source_directory; RUN fetches others",
    "FROM": "name the base image as base_image",
    "USER": "steps run as root, and the service as the user 65532",
    "SHELL": 'write RUN with a list, such as RUN ["bash", "-c", "…"]',
}
"""What to do instead of the instructions that people try."""


def check_package(name: str) -> str:
    """Return the name of a Debian package, with or without ``=VERSION``.

    Raises
    ------
    InvalidImageError
        If it is not one.
    """
    if _PACKAGE.fullmatch(name) is None:
        rule = "write the name of a Debian package, such as 'libgomp1' or 'libgomp1=12.2.0-14'"
        raise InvalidImageError("system package", name, rule)
    return name


def instructions(lines: Iterable[str]) -> tuple[str, ...]:
    """Join lines that go on after a backslash, leave out comments, and return one checked instruction each.

    Raises
    ------
    InvalidImageError
        If one is of another kind than `TAKEN`, does not end, or holds what would make it several.
    """
    return tuple(_checked(text) for text in _joined(lines))


def _joined(lines: Iterable[str]) -> Iterator[str]:
    begun = ""
    for line in lines:
        if _CONTROL.search(line):
            raise InvalidImageError("docker step", line, "it is one line without control characters")
        if line.lstrip().startswith("#"):
            continue
        text = line.rstrip()
        if text.endswith("\\"):
            begun += text[:-1]
            continue
        yield (begun + text).strip()
        begun = ""
    if begun:
        raise InvalidImageError("docker step", begun, "it ends with a backslash, and no line follows")


def _checked(text: str) -> str:
    word, _, rest = text.partition(" ")
    if word.upper() not in TAKEN:
        rule = _RULES.get(word.upper(), f"it begins with one of {', '.join(TAKEN)}")
        raise InvalidImageError("docker step", text, rule)
    if not rest.strip():
        raise InvalidImageError("docker step", text, f"{word} does nothing by itself")
    if _HEREDOC.search(rest):
        raise InvalidImageError("docker step", text, "it holds '<<': write the text with printf, or keep it in a file")
    if _FLAG.match(rest.strip()):
        raise InvalidImageError("docker step", text, f"options of {word} are not known to every engine")
    return f"{word.upper()} {rest.strip()}"
