"""What is printed of data sets, as rows and facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.data.sets.dataset import DatasetVersion
from modelyard.data.sets.profile import QUANTILES, Profile

_SHOWN = 30
"""Characters of a text in a table."""


def version_rows(found: Sequence[DatasetVersion]) -> Iterator[tuple[object, ...]]:
    """Make a row of each version."""
    for one in found:
        created = f"{one.created:%Y-%m-%d %H:%M:%S}"
        place = one.reference or "here"
        yield one.id, one.digest[:12], one.files, f"{one.size:,}", one.rows, one.columns, created, place


def version_facts(one: DatasetVersion) -> Iterator[tuple[str, object]]:
    """Say what a version is."""
    yield "data set", one.id
    yield "digest", one.digest
    yield "kept", f"in {one.reference}" if one.reference else "in the workspace"
    yield "files", f"{one.files}, {one.size:,} bytes"
    if one.format is not None:
        yield "table", f"{one.rows:,} rows, {one.columns:,} columns, {type(one.format).__struct_config__.tag}"
    yield from (("run", one.run_id), ("description", one.description))
    yield from ((f"tag {name}", value) for name, value in one.tags.items())
    yield "created", one.created


def profile_rows(profile: Profile) -> Iterator[tuple[object, ...]]:
    """Make a row of each column."""
    for one in profile.columns:
        median = one.quantiles[QUANTILES.index(0.5)] if one.quantiles else None
        frequent = f"{_text(one.frequent[0].value)} ({one.frequent[0].count})" if one.frequent else ""
        figures = (one.min, median, one.max, one.mean, one.std)
        yield one.name, one.type, one.missing, one.distinct, *map(_text, figures), frequent


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "" if value is None else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
