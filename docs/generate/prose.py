"""Docstrings (numpydoc) as Markdown."""

import inspect
import re

_HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_ENTRY = re.compile(r"^(\S.*)\n((?: {4}.*\n?|\n)+)", re.MULTILINE)


def markdown(docstring: str | None) -> str:
    """Turn a docstring into Markdown: literals, code blocks, and the sections of numpydoc as lists."""
    prose, *sections = _HEADING.split(inspect.cleandoc(docstring or "") + "\n")
    titled = zip(sections[::2], sections[1::2], strict=True)
    text = prose + "".join(f"**{title}**\n\n{_entries(body)}\n" for title, body in titled)
    text = re.sub(r"^::\n\n", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"::\n\n(?= {4})", ":\n\n", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text).strip()


def first_sentence(docstring: str | None) -> str:
    """Give the first paragraph on one line."""
    return " ".join(markdown(docstring).split("\n\n")[0].split())


def _entries(text: str) -> str:
    return _ENTRY.sub(lambda found: f"- `{found[1]}`: {' '.join(found[2].split())}\n", text)
